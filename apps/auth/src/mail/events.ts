import { z } from 'zod'
import { defineEvent, type EventOf } from '../log/event-definition.ts'
import { RandomId, Seconds, Sealed } from '../log/value.ts'

/** What a mailed link allows once, and what it is bound to: another reservation of the address makes it void. */
export const Link = z.strictObject({
  purpose: z.enum(['confirm']),
  /** The keyed hash that names the address's stream. */
  email_hmac: z.string(),
  reservation_id: RandomId,
  /** The derivation key that makes the link's secret; the secret itself is nowhere. */
  key: z.string(),
  expires_at: Seconds,
})
export type Link = z.infer<typeof Link>

export const MailRequested = defineEvent('MailRequested', {
  mail_id: RandomId,
  template: z.enum(['confirm-address', 'address-taken']),
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
export type MailEvent = EventOf<(typeof mailEvents)[number]>
