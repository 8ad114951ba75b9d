import { z } from 'zod'
import { defineEvent, defineStream, Epoch, type EventOf, RandomId, Sealed, Seconds, Sub } from '../log/index.ts'

/** Everything a decision about a user needs; every event of `user-<sub>` carries it. */
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
  /** The data key of this user in the vault. */
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
/** Ends every session and grant of the user, but for a confirmation, before which there is none. */
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

/** A user: `user-<sub>`. */
export const userStream = defineStream('user', userEvents)
