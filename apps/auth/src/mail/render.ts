import { html } from '../page/index.ts'

/** A mail as it leaves. `id` is the same however often it is sent. */
export interface Mail {
  readonly id: string
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** The page that the mail leads to, and the secret in its address. */
  readonly link?: string
  readonly token?: string
}

const frame = (paragraphs: readonly { readonly html: string }[]) =>
  html`<!doctype html>
    <html lang="en">
      <body style="font-family:sans-serif;line-height:1.5">
        ${paragraphs}
      </body>
    </html>`.html

/** Where a mailed link leads: a page that changes nothing by being looked at. */
export const confirmUrl = (issuer: string, token: string): string =>
  `${issuer}/accounts/confirm?token=${encodeURIComponent(token)}`

/** Asks whoever reads the mail to confirm the address. Nothing that a stranger typed is in it, but the address. */
export function confirmAddressMail(id: string, to: string, issuer: string, token: string): Mail {
  const link = confirmUrl(issuer, token)
  return {
    id,
    to,
    subject: 'Confirm your address',
    text: [
      `Somebody, hopefully you, registered with this address at ${issuer}.`,
      `To confirm that it is yours, open this link within a day:\n${link}`,
      'If it was not you, do nothing: without the link nobody can use your address.',
      '',
    ].join('\n\n'),
    html: frame([
      html`<p>Somebody, hopefully you, registered with this address at ${issuer}.</p>`,
      html`<p>To confirm that it is yours, open this link within a day:<br /><a href="${link}">${link}</a></p>`,
      html`<p>If it was not you, do nothing: without the link nobody can use your address.</p>`,
    ]),
    link,
    token,
  }
}

/** Tells the owner of an address, and nobody else, that it has an account. */
export const addressTakenMail = (id: string, to: string, issuer: string): Mail => ({
  id,
  to,
  subject: 'You have an account already',
  text: [
    `Somebody, perhaps you, tried to register with this address at ${issuer}.`,
    'It has an account already, and nothing has changed: sign in with the password you have.',
    'If it was not you, do nothing.',
    '',
  ].join('\n\n'),
  html: frame([
    html`<p>Somebody, perhaps you, tried to register with this address at ${issuer}.</p>`,
    html`<p>It has an account already, and nothing has changed: sign in with the password you have.</p>`,
    html`<p>If it was not you, do nothing.</p>`,
  ]),
})
