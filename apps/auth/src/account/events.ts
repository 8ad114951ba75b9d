import { z } from 'zod'
import { defineEvent, type EventOf } from '../log/event-definition.ts'
import { defineStream } from '../log/stream.ts'
import { Epoch, RandomId, Seconds, Sealed, Sub } from '../log/value.ts'

/** Everything a decision about a person needs; every event of `user-<sub>` carries it. */
export const UserState = z.strictObject({
  sub: Sub,
  epoch: Epoch,
  disabled: z.boolean(),
  erased: z.boolean(),
  email: Sealed,
  email_verified: z.boolean(),
  /** The argon2id hash in PHC form. */
  password: Sealed,
  password_set_at: Seconds,
  /** The data key of this person in the vault. */
  data_key: z.string(),
  name: Sealed.optional(),
  roles: z.array(z.string()),
  entitlements: z.array(z.string()),
  registered_at: Seconds,
})
export type UserState = z.infer<typeof UserState>

const user = UserState

export const UserRegistered = defineEvent('UserRegistered', { reservation_id: RandomId, user })
export const EmailVerified = defineEvent('EmailVerified', { user })
/** `reservation_id` is the one by which the new address was confirmed. */
export const EmailChanged = defineEvent('EmailChanged', { reservation_id: RandomId.optional(), user })
/** Ends every session and grant of the person, but for a confirmation, before which there is none. */
export const PasswordSet = defineEvent('PasswordSet', {
  reason: z.enum(['confirmation', 'change', 'reset', 'administrator']),
  user,
})
export const ProfileChanged = defineEvent('ProfileChanged', { user })
export const RolesAssigned = defineEvent('RolesAssigned', { user })
export const UserDisabled = defineEvent('UserDisabled', { reason: z.string(), user })
export const UserEnabled = defineEvent('UserEnabled', { user })
export const UserSessionsRevoked = defineEvent('UserSessionsRevoked', { reason: z.string(), user })
export const SubjectErased = defineEvent('SubjectErased', { reason: z.string(), user })

export const userEvents = [
  UserRegistered,
  EmailVerified,
  EmailChanged,
  PasswordSet,
  ProfileChanged,
  RolesAssigned,
  UserDisabled,
  UserEnabled,
  UserSessionsRevoked,
  SubjectErased,
] as const
export type UserEvent = EventOf<(typeof userEvents)[number]>

/** A person: `user-<sub>`. */
export const userStream = defineStream('user', userEvents)

/**
 * An address is taken for a while. `registration` is everything needed to finish by itself what was acknowledged: the
 * person's `sub`, address and password hash, sealed under a data key of the reservation's own, so that nothing links
 * the address to the person once that key is gone.
 */
export const EmailReserved = defineEvent('EmailReserved', {
  reservation_id: RandomId,
  expires_at: Seconds,
  data_key: z.string(),
  registration: Sealed,
})
/**
 * The mailbox is proved; `owner` is the sealed `sub` of the one person who signs in with it. `mail_id` names the link
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

/** A person asked for another address: of all the links that were mailed for that, only the newest is good. */
export const EmailChangeAsked = defineEvent('EmailChangeAsked', { mail_id: RandomId })
/** That link was redeemed; what follows from it is in the streams of the address and of the person. */
export const EmailChangeRedeemed = defineEvent('EmailChangeRedeemed', { mail_id: RandomId })

export const emailChangeEvents = [EmailChangeAsked, EmailChangeRedeemed] as const
export type EmailChangeEvent = EventOf<(typeof emailChangeEvents)[number]>

/** The links for another address of a person: `address-<sub>`. */
export const emailChangeStream = defineStream('address', emailChangeEvents)

/** Where a person signed in: keyed hashes of address and agent, the newest first, sealed as one text. */
export const PlacesSeen = defineEvent('PlacesSeen', { places: Sealed })

export const placeEvents = [PlacesSeen] as const

/** `place-<sub>`. */
export const placeStream = defineStream('place', placeEvents)

/** Failed sign-ins of one account, thinned: `failures` counts all since the last success. */
export const LoginFailed = defineEvent('LoginFailed', { failures: z.int().positive(), reason: z.string() })
export const LoginDelayed = defineEvent('LoginDelayed', { failures: z.int().positive(), until: Seconds })
/** A success after failures, which it forgets. */
export const LoginSucceeded = defineEvent('LoginSucceeded', { after_failures: z.int().positive() })
/** Failures that would have been events, had there not been so many: at most one such event a minute. */
export const LoginFailuresWithheld = defineEvent('LoginFailuresWithheld', {
  failures: z.int().positive(),
  /** How many accounts they were at. */
  accounts: z.int().positive(),
  since: Seconds,
})

export const loginEvents = [LoginFailed, LoginDelayed, LoginSucceeded, LoginFailuresWithheld] as const
export type LoginEvent = EventOf<(typeof loginEvents)[number]>

/** `login-<sub>`; `login-all` has what was withheld of all. */
export const loginStream = defineStream('login', loginEvents)
