import { randomBytes } from 'node:crypto'
import { OAuthError } from '@ledgate/oauth'
import type { Sealer } from '@ledgate/vault'
import { ADMINISTRATOR, type Administrators, isAble, LastAdministrator } from '../administrators/index.ts'
import {
  type Clock,
  type CommandContext,
  consequenceOf,
  type EventLog,
  type StreamName,
  unlessOvertaken,
  type Written,
} from '../../log/index.ts'
import { assertAuthorization } from './authorization.ts'
import { type Addresses, type EmailEvent, normalizeAddress, readOwner } from '../../email-address/index.ts'
import {
  type ChangedUser,
  changeUser,
  readUser,
  UnknownAccount,
  unlessErased,
  type UserCommand,
} from '../../user/index.ts'
import type { Completion, Erasure } from '../../account/index.ts'
import type { PasswordHasher } from '../../password/index.ts'
import { type MadeAccount, type VouchedAccount, openUserCreation } from './create-user.ts'

export interface AccountsDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly hasher: Pick<PasswordHasher, 'hash'>
  readonly addresses: Addresses
  readonly completion: Completion
  readonly administrators: Administrators
  readonly erasure: Pick<Erasure, 'erase'>
  readonly clock: Clock
  /** 128 random bits in hexadecimal. */
  readonly newId: () => string
}

/** What operators and the bootstrap do with accounts. Users are named by `sub` or by address. */
export interface Accounts {
  /**
   * An account that is confirmed at once, without a mail. An address that has one keeps it is; whoever only asked
   * for it steps back. The password is taken as given.
   *
   * @throws {InvalidRequest} when the address is none.
   */
  create(account: VouchedAccount, context: CommandContext): Promise<MadeAccount>
  /**
   * The same, but at most once for an address by the actor of the context, whatever became of the account since.
   *
   * @throws {InvalidRequest} when the address is none.
   */
  createOnce(account: VouchedAccount, context: CommandContext): Promise<void>
  /** Whether `createOnce` of the same actor would do nothing. */
  wasMade(account: Pick<VouchedAccount, 'email'>, context: CommandContext): Promise<boolean>
  /** Ends every session and grant. @throws {UnknownAccount | LastAdministrator} */
  disable(person: string, reason: string, context: CommandContext): Promise<Written>
  /** @throws {UnknownAccount} */
  enable(person: string, context: CommandContext): Promise<Written>
  /** Fewer than before ends every session and grant. @throws {UnknownAccount | LastAdministrator} */
  assignRoles(
    person: string,
    assigned: { readonly roles: readonly string[]; readonly entitlements: readonly string[] },
    context: CommandContext,
  ): Promise<Written>
  /** @throws {UnknownAccount} */
  revokeSessions(person: string, reason: string, context: CommandContext): Promise<Written>
  /**
   * Takes the password away and ends every session and grant; a link to set a new one is mailed behind it.
   *
   * @throws {UnknownAccount}
   */
  resetPassword(person: string, context: CommandContext): Promise<Written>
  /** Makes the user unreadable for good, and the address free. @throws {UnknownAccount | LastAdministrator} */
  erase(person: string, reason: string, context: CommandContext): Promise<Written>
  /** Whose confirmed address it is, from its stream; never older than the call. */
  findSub(address: string): Promise<string | undefined>
}

const unknown = (cause: unknown) => new UnknownAccount({ cause })

const SUB = /^u_[0-9a-f]{32}$/

/** The commands over the log. */
export function openAccounts(dependencies: AccountsDependencies): Accounts {
  const { log, sealer, hasher, addresses, completion, administrators, erasure, clock, newId } = dependencies

  async function findSub(text: string): Promise<string | undefined> {
    const address = normalizeAddress(text)
    if (address === undefined) return undefined
    return (await readOwner(log, sealer, addresses.stream(addresses.hmac(address))))?.sub
  }

  async function subOf(person: string): Promise<string> {
    const sub = SUB.test(person) ? person : await findSub(person)
    if (sub === undefined) throw new UnknownAccount()
    return sub
  }

  const change = async (
    person: string,
    command: Exclude<UserCommand, { type: 'Register' }>,
    context: CommandContext,
  ) => {
    const { position } = await changeUser(log, await subOf(person), command, context)
    return { position }
  }

  /** The last administrator cannot be disabled, nor by whoever is faster. */
  async function disable(person: string, reason: string, context: CommandContext): Promise<Written> {
    const sub = await subOf(person)
    const then = (await administrators.remove(sub, reason, context)) ? consequenceOf(context) : context
    const { state, position } = await changeUser(log, sub, { type: 'Disable', reason }, then)
    if (!state.roles.includes(ADMINISTRATOR)) return { position }
    const again = (name: string) => ({ ...consequenceOf(context), commandId: `${context.commandId}/${name}` })
    try {
      await administrators.remove(sub, reason, again('remove')) // put on the list while we were at it
    } catch (error) {
      if (error instanceof LastAdministrator) await changeUser(log, sub, { type: 'Enable' }, again('undo'))
      throw error
    }
    return { position }
  }

  /** Puts whoever can act as an administrator now on the list. */
  async function admit({ state, position, isChanged }: ChangedUser, context: CommandContext): Promise<Written> {
    if (isAble(state)) await administrators.add(state.sub, isChanged ? consequenceOf(context) : context)
    return { position }
  }

  const enable: Accounts['enable'] = async (person, context) =>
    admit(await changeUser(log, await subOf(person), { type: 'Enable' }, context), context)

  const assignRoles: Accounts['assignRoles'] = async (person, assigned, context) => {
    const sub = await subOf(person)
    assertAuthorization(assigned, (await readUser(log, sub))?.state)
    const isRemoved =
      !assigned.roles.includes(ADMINISTRATOR) && (await administrators.remove(sub, 'the role was taken', context))
    if (!isRemoved) return admit(await changeUser(log, sub, { type: 'AssignRoles', ...assigned }, context), context)
    const then = consequenceOf(context)
    try {
      return admit(await changeUser(log, sub, { type: 'AssignRoles', ...assigned }, unlessOvertaken(context)), then)
    } catch (error) {
      const found = error instanceof OAuthError ? await readUser(log, sub) : undefined
      const again = { ...then, commandId: `${context.commandId}/back` }
      if (found !== undefined && isAble(found.state)) await administrators.add(sub, again)
      throw error
    }
  }

  /** Does now what the process manager would do soon. */
  async function finish(
    stream: StreamName<EmailEvent>,
    context: CommandContext,
  ): Promise<{ sub: string; position: string }> {
    const [newest, previous] = await log.last(stream, 2)
    if (newest?.type !== 'EmailConfirmed') throw new UnknownAccount()
    if (previous !== undefined) await completion.complete(previous)
    const changed = await completion.confirmed(newest)
    if (changed === undefined) throw new UnknownAccount()
    return { sub: changed.state.sub, ...(await admit(changed, context)) }
  }

  const resetPassword: Accounts['resetPassword'] = async (person, context) => {
    const sub = await subOf(person)
    const found = await readUser(log, sub)
    if (found === undefined || found.state.erased) throw new UnknownAccount()
    const hash = await hasher.hash(randomBytes(32).toString('base64url')) // no one knows it
    return unlessErased(unknown, async () => {
      const chosen = { password: await sealer.seal(found.state.data_key, 'password', hash), now: clock.now() }
      return change(sub, { type: 'SetPassword', reason: 'administrator', chosen }, context)
    })
  }

  const made = openUserCreation({ log, sealer, hasher, addresses, clock, newId, finish })

  return {
    findSub,
    resetPassword,
    async erase(person, reason, context) {
      const sub = await subOf(person)
      const then = (await administrators.remove(sub, reason, context)) ? consequenceOf(context) : context
      return erasure.erase(sub, reason, then)
    },
    disable,
    enable,
    assignRoles,
    revokeSessions: (person, reason, context) => change(person, { type: 'RevokeSessions', reason }, context),

    create: made.create,
    createOnce: made.createOnce,
    wasMade: made.wasMade,
  }
}
