import { z } from 'zod'
import { defineEvent, defineStream, type EventOf, RandomId, Sealed, Seconds } from '../log/index.ts'

/**
 * An address is taken for a while. `registration` is everything needed to finish by itself what was acknowledged: the
 * user's `sub`, address and password hash, sealed under a data key of the reservation's own, so that nothing links
 * the address to the user once that key is gone.
 */
export const EmailReserved = defineEvent('EmailReserved', {
  reservation_id: RandomId,
  expires_at: Seconds,
  data_key: z.string(),
  registration: Sealed,
})
/**
 * The mailbox is proved; `owner` is the sealed `sub` of the one user who signs in with it. `mail_id` names the link
 * that proved it, `password` is the hash of the password that was chosen with it: what follows needs nothing else.
 */
export const EmailConfirmed = defineEvent('EmailConfirmed', {
  reservation_id: RandomId,
  data_key: z.string(),
  owner: Sealed,
  mail_id: RandomId.optional(),
  password: Sealed.optional(),
  /** The keyed hash of the address that this one takes the place of. */
  replaces: z.string().optional(),
})
export const EmailReleased = defineEvent('EmailReleased', { reservation_id: RandomId, reason: z.string() })

export const emailEvents = [EmailReserved, EmailConfirmed, EmailReleased] as const
export type EmailEvent = EventOf<(typeof emailEvents)[number]>

/** An address: `email-<hmac>`, by its keyed hash. */
export const emailStream = defineStream('email', emailEvents)

/** A user asked for another address: of all the links that were mailed for that, only the newest is good. */
export const EmailChangeAsked = defineEvent('EmailChangeAsked', { mail_id: RandomId })
/** That link was redeemed; what follows from it is in the streams of the address and of the user. */
export const EmailChangeRedeemed = defineEvent('EmailChangeRedeemed', { mail_id: RandomId })

export const emailChangeEvents = [EmailChangeAsked, EmailChangeRedeemed] as const
export type EmailChangeEvent = EventOf<(typeof emailChangeEvents)[number]>

/** The links for another address of a user: `address-<sub>`. */
export const emailChangeStream = defineStream('address', emailChangeEvents)
