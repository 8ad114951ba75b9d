import { z } from 'zod'
import { defineEvent, defineStream, Epoch, type EventOf, RandomId, Sealed, Seconds, Sub } from '../log/index.ts'

/** What a mailed link allows once, and what it is bound to: another owner of the address makes it void. */
export const Link = z.strictObject({
  purpose: z.enum(['confirm', 'reset', 'change-email']),
  /** The keyed hash that names the address's stream. */
  email_hmac: z.string(),
  reservation_id: RandomId,
  /** The derivation key that makes the link's secret; the secret itself is nowhere. */
  key: z.string(),
  expires_at: Seconds,
  /** Whose it is, where there is an account: whatever ends their tokens makes it void, a new password first of all. */
  sub: Sub.optional(),
  epoch: Epoch.optional(),
  /** The address that another one takes the place of, as the user's state has it: any change of it makes the link void. */
  from: Sealed.optional(),
  /** By which reservation that address is theirs. */
  from_reservation_id: RandomId.optional(),
})
export type Link = z.infer<typeof Link>

/** Which mail it is. */
export const Template = z.enum([
  'confirm-address',
  'address-taken',
  'reset-password',
  'change-address',
  'password-changed',
  'address-changed',
])
export type Template = z.infer<typeof Template>

export const MailRequested = defineEvent('MailRequested', {
  mail_id: RandomId,
  template: Template,
  to: Sealed,
  link: Link.optional(),
  /** The key of `to` when it is the mail's own: destroyed once the mail has left. */
  data_key: z.string().optional(),
})
/** A mail that was not sent, because its address had enough of them lately. */
export const MailWithheld = defineEvent('MailWithheld', { mail_id: RandomId })
export const MailSent = defineEvent('MailSent', { mail_id: RandomId })
/** The mail could not be delivered and is not tried again. */
export const MailFailed = defineEvent('MailFailed', { mail_id: RandomId, reason: z.string() })
export const LinkRedeemed = defineEvent('LinkRedeemed', { mail_id: RandomId })

export const mailEvents = [MailRequested, MailWithheld, MailSent, MailFailed, LinkRedeemed] as const
export type MailRequestedData = EventOf<typeof MailRequested>['data']
export type MailEvent = EventOf<(typeof mailEvents)[number]>

/** `mail-<mail_id>`. */
export const mailStream = defineStream('mail', mailEvents)
