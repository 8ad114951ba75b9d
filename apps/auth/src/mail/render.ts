import { html } from '../html/index.ts'
import type { Link, Template } from './events.ts'

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

/** The page that a link of each purpose leads to; looking at it changes nothing. */
const PAGES: Readonly<Record<Link['purpose'], string>> = {
  confirm: '/accounts/confirm',
  reset: '/accounts/reset',
  'change-email': '/accounts/email',
}

/** Where a mailed link leads. */
export const linkUrl = (issuer: string, purpose: Link['purpose'], token: string): string =>
  `${issuer}${PAGES[purpose]}?token=${encodeURIComponent(token)}`

/** What all emails are made from. Nothing that a stranger typed is in them, but the address. */
interface Letter {
  readonly subject: string
  readonly before: readonly string[]
  readonly after: readonly string[]
}

function letter(id: string, to: string, { subject, before, after }: Letter, link?: string): Mail {
  const paragraph = (text: string) => html`<p>${text}</p>`
  const asLink = link === undefined ? [] : [html`<p><a href="${link}">${link}</a></p>`]
  return {
    id,
    to,
    subject,
    text: [...before, ...(link === undefined ? [] : [link]), ...after, ''].join('\n\n'),
    html: frame([...before.map(paragraph), ...asLink, ...after.map(paragraph)]),
    ...(link !== undefined && { link }),
  }
}

const LETTERS: Readonly<Record<Template, (issuer: string) => Letter>> = {
  'confirm-address': (issuer) => ({
    subject: 'Confirm your address',
    before: [
      `Somebody, hopefully you, registered with this address at ${issuer}.`,
      'To confirm that it is yours, open this link within a day:',
    ],
    after: ['If it was not you, do nothing: without the link nobody can use your address.'],
  }),
  'address-taken': (issuer) => ({
    subject: 'You have an account already',
    before: [
      `Somebody, perhaps you, tried to register with this address at ${issuer}.`,
      'It has an account already, and nothing has changed: sign in with the password you have.',
    ],
    after: ['If it was not you, do nothing.'],
  }),
  'reset-password': (issuer) => ({
    subject: 'Set a new password',
    before: [`A new password is to be set for your account at ${issuer}.`, 'To do so, open this link within an hour:'],
    after: ['If you did not ask for it, do nothing: your password stays as it is.'],
  }),
  'change-address': (issuer) => ({
    subject: 'Confirm your new address',
    before: [
      `Somebody, hopefully you, wants to use this address for an account at ${issuer}.`,
      'To confirm it, open this link within a day:',
    ],
    after: ['If it was not you, do nothing: without the link nobody can use your address.'],
  }),
  'password-changed': (issuer) => ({
    subject: 'Your password was changed',
    before: [`The password of your account at ${issuer} was changed, and everybody who was signed in is signed out.`],
    after: ['If it was not you, ask for a new password at once.'],
  }),
  'address-changed': (issuer) => ({
    subject: 'Your account has another address',
    before: [
      `The address of your account at ${issuer} was changed. You sign in with the new one, and mail about the account goes there; this address is not used any more, and links that were sent to it do nothing.`,
    ],
    after: [
      'If it was not you, somebody knows your password and has your account: tell whoever runs the service at once. They can end every session and disable the account.',
    ],
  }),
}

/** The mail of a template. */
export function mailOf(
  template: Template,
  {
    id,
    to,
    issuer,
    link,
  }: { id: string; to: string; issuer: string; link?: { purpose: Link['purpose']; token: string } },
): Mail {
  const url = link && linkUrl(issuer, link.purpose, link.token)
  return { ...letter(id, to, LETTERS[template](issuer), url), ...(link && { token: link.token }) }
}
