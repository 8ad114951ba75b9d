import type { Decider } from '@ledgate/eventsourcing'
import type { Sealed } from '../log/index.ts'
import { Superseded, UnknownAccount } from './errors.ts'
import type { UserEvent, UserState } from './events.ts'

/** What a user starts with. */
export type NewUser = Pick<UserState, 'sub' | 'email' | 'password' | 'data_key' | 'name' | 'roles' | 'entitlements'> & {
  readonly now: number
}

/** A new password hash, and when it was set. */
export interface NewPassword {
  readonly password: Sealed
  readonly now: number
}

export type UserCommand =
  | { readonly type: 'Register'; readonly reservationId: string; readonly user: NewUser }
  /** The mailbox is proved; with a password when one was chosen with the proof. */
  | { readonly type: 'VerifyEmail'; readonly chosen?: NewPassword | undefined }
  | {
      readonly type: 'SetPassword'
      readonly reason: 'change' | 'reset' | 'administrator'
      readonly chosen: NewPassword
      /** The epoch at which it was proved that they may: whatever ended their tokens since then ended that, too. */
      readonly epoch?: number
      /** The address whose mailbox proved it: another one since then ended that, too. */
      readonly email?: Sealed
    }
  /** Another mailbox is proved, if the address is still the one that it takes the place of. */
  | {
      readonly type: 'ChangeEmail'
      readonly from: Sealed
      readonly email: Sealed
      readonly reservationId: string
      /** The epoch at which it was asked for: whatever ended their tokens since then ended that, too. */
      readonly epoch?: number | undefined
    }
  | { readonly type: 'ChangeName'; readonly name: Sealed | undefined }
  | { readonly type: 'Disable'; readonly reason: string }
  | { readonly type: 'Enable' }
  | { readonly type: 'AssignRoles'; readonly roles: readonly string[]; readonly entitlements: readonly string[] }
  | {
      readonly type: 'RevokeSessions'
      readonly reason: string
      /** As that of SetPassword. */
      readonly epoch?: number
    }
  | { readonly type: 'Erase'; readonly reason: string }

/** The user after something that ends every session, grant and token there is. */
const ended = (user: UserState): UserState => ({ ...user, epoch: user.epoch + 1 })

const withPassword = (user: UserState, { password, now }: NewPassword): UserState => ({
  ...user,
  password,
  password_set_at: now,
})

function register({ reservationId, user }: Extract<UserCommand, { type: 'Register' }>): UserEvent {
  const { now, name, ...rest } = user
  const state: UserState = {
    ...rest,
    ...(name !== undefined && { name }),
    epoch: 0,
    disabled: false,
    erased: false,
    email_verified: false,
    password_set_at: now,
    registered_at: now,
  }
  return { type: 'UserRegistered', data: { reservation_id: reservationId, user: state } }
}

/** Both at once, so that no one ever signs in with the password of whoever did not prove the mailbox. */
function verify({ chosen }: Extract<UserCommand, { type: 'VerifyEmail' }>, user: UserState): readonly UserEvent[] {
  if (user.email_verified) return []
  const own = chosen ? withPassword(user, chosen) : user
  const events: UserEvent[] = chosen ? [{ type: 'PasswordSet', data: { reason: 'confirmation', user: own } }] : []
  return [...events, { type: 'EmailVerified', data: { user: { ...own, email_verified: true } } }]
}

const sameSet = (one: readonly string[], other: readonly string[]) =>
  one.length === other.length && one.every((each) => other.includes(each))

function assign(
  { roles, entitlements }: Extract<UserCommand, { type: 'AssignRoles' }>,
  user: UserState,
): readonly UserEvent[] {
  if (sameSet(roles, user.roles) && sameSet(entitlements, user.entitlements)) return []
  const isNarrower =
    user.roles.some((role) => !roles.includes(role)) ||
    user.entitlements.some((entitlement) => !entitlements.includes(entitlement))
  const next = { ...user, roles: [...roles], entitlements: [...entitlements] }
  return [{ type: 'RolesAssigned', data: { user: isNarrower ? ended(next) : next } }]
}

function change(command: Exclude<UserCommand, { type: 'Register' }>, user: UserState): readonly UserEvent[] {
  switch (command.type) {
    case 'VerifyEmail':
      return verify(command, user)
    case 'SetPassword':
      if (command.epoch !== undefined && command.epoch !== user.epoch) throw new Superseded()
      if (command.email !== undefined && command.email !== user.email) throw new Superseded()
      return [
        {
          type: 'PasswordSet',
          data: { reason: command.reason, user: ended(withPassword(user, command.chosen)) },
        },
      ]
    case 'ChangeEmail': {
      if (user.email !== command.from || (command.epoch ?? user.epoch) !== user.epoch) return []
      const { email, reservationId: reservation_id } = command
      return [{ type: 'EmailChanged', data: { reservation_id, user: { ...user, email } } }]
    }
    case 'ChangeName': {
      const { name: _, ...rest } = user
      const named = command.name === undefined ? rest : { ...rest, name: command.name }
      return [{ type: 'ProfileChanged', data: { user: named } }]
    }
    case 'Disable':
      if (user.disabled) return []
      return [{ type: 'UserDisabled', data: { reason: command.reason, user: ended({ ...user, disabled: true }) } }]
    case 'Enable':
      return user.disabled ? [{ type: 'UserEnabled', data: { user: { ...user, disabled: false } } }] : []
    case 'AssignRoles':
      return assign(command, user)
    case 'RevokeSessions':
      if (command.epoch !== undefined && command.epoch !== user.epoch) throw new Superseded()
      return [{ type: 'UserSessionsRevoked', data: { reason: command.reason, user: ended(user) } }]
    case 'Erase':
      return [{ type: 'SubjectErased', data: { reason: command.reason, user: ended({ ...user, erased: true }) } }]
  }
}

/**
 * The life of a user. The epoch rises at every event that ends tokens: disabled, sessions revoked, erased, a role or
 * entitlement removed, and any password set but the one that confirms, before which there is no token.
 */
export const user: Decider<UserState | undefined, UserCommand, UserEvent> = {
  initialState: undefined,

  /** @throws {UnknownAccount} if the user does not exist or was erased. */
  decide(command, state) {
    if (command.type === 'Register') return state === undefined ? [register(command)] : []
    if (state?.erased && command.type === 'Erase') return []
    if (state === undefined || state.erased) throw new UnknownAccount()
    return change(command, state)
  },

  evolve: (_state, { data }) => data.user,
}
