import { html, page } from '../html/index.ts'
import { MAX_PASSWORD, MAX_TYPED_PASSWORD, MIN_PASSWORD } from '../password/index.ts'

/** The form behind a mailed link. Looking at it changes nothing. */
export const confirmPage = (token: string, problem?: string): string =>
  page({
    title: 'Confirm your address',
    body: html`<section class="card">
      <h1>Confirm your address</h1>
      ${problem === undefined ? undefined : html`<p class="bad" role="alert">${problem}</p>`}
      <form method="post" action="/accounts/confirm">
        <input type="hidden" name="token" value="${token}" />
        <fieldset>
          <legend>Fill in one of the two:</legend>
          <label for="password">The password you registered with</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            maxlength="${String(MAX_TYPED_PASSWORD)}"
            aria-describedby="password-hint"
          />
          <p class="hint" id="password-hint">
            If you did not register yourself, set a new one below: then only you know it.
          </p>
          <label for="new_password">A new password</label>
          <input
            id="new_password"
            name="new_password"
            type="password"
            autocomplete="new-password"
            maxlength="${String(MAX_TYPED_PASSWORD)}"
            aria-describedby="new-password-hint"
          />
          <p class="hint" id="new-password-hint">
            ${String(MIN_PASSWORD)} to ${String(MAX_PASSWORD)} characters of any kind.
          </p>
        </fieldset>
        <p><button type="submit">Confirm</button></p>
      </form>
    </section>`,
  })

/** The page for a user whose address was confirmed. */
export const confirmedPage = (): string =>
  page({
    title: 'Your address is confirmed',
    body: html`<section class="card">
      <h1>Your address is confirmed</h1>
      <p>You can sign in now. This page can be closed.</p>
    </section>`,
  })

/** The page for a link that no longer works. */
export const spentConfirmLinkPage = (): string =>
  page({
    title: 'This link does not work any more',
    body: html`<section class="card">
      <h1>This link does not work any more</h1>
      <p>It was used already, is older than a day, or a newer mail took its place.</p>
      <p>If you confirmed your address before, you can sign in. If not, register again to get a new link.</p>
    </section>`,
  })

/** The page for a temporary failure. */
export const laterPage = (): string =>
  page({
    title: 'Please try again',
    body: html`<section class="card">
      <h1>Please try again</h1>
      <p>The server could not do it just now. Your link still works: reload this page in a moment.</p>
    </section>`,
  })
