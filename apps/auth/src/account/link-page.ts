import { html, page } from '../html/index.ts'
import { MAX_PASSWORD, MAX_TYPED_PASSWORD, MIN_PASSWORD } from '../password/index.ts'

const alert = (problem: string | undefined) =>
  problem === undefined ? undefined : html`<p class="bad" role="alert">${problem}</p>`

/** The form behind the link that sets a new password. Looking at it changes nothing. */
export const resetPage = (token: string, problem?: string): string =>
  page({
    title: 'Set a new password',
    body: html`<section class="card">
      <h1>Set a new password</h1>
      ${alert(problem)}
      <form method="post" action="/accounts/reset">
        <input type="hidden" name="token" value="${token}" />
        <label for="new_password">A new password</label>
        <input
          id="new_password"
          name="new_password"
          type="password"
          autocomplete="new-password"
          maxlength="${String(MAX_TYPED_PASSWORD)}"
          required
          aria-describedby="new-password-hint"
        />
        <p class="hint" id="new-password-hint">
          ${String(MIN_PASSWORD)} to ${String(MAX_PASSWORD)} characters of any kind. Whoever is signed in to your
          account is signed out.
        </p>
        <p><button type="submit">Set the password</button></p>
      </form>
    </section>`,
  })

/** The form behind the link that gives an account another address. */
export const changeEmailPage = (token: string, problem?: string): string =>
  page({
    title: 'Use this address',
    body: html`<section class="card">
      <h1>Use this address</h1>
      ${alert(problem)}
      <p>From then on you sign in with this address, and the old one is not used any more.</p>
      <form method="post" action="/accounts/email">
        <input type="hidden" name="token" value="${token}" />
        <p><button type="submit">Use this address</button></p>
      </form>
    </section>`,
  })

const done = (title: string, text: string) =>
  page({
    title,
    body: html`<section class="card">
      <h1>${title}</h1>
      <p>${text}</p>
    </section>`,
  })

export const resetDonePage = (): string =>
  done('Your password is set', 'You can sign in with it now. This page can be closed.')
export const emailChangedPage = (): string =>
  done('Your address is changed', 'You sign in with it from now on. This page can be closed.')
export const spentLinkPage = (): string =>
  done('This link does not work any more', 'It was used already, is too old, or something else was changed meanwhile.')
