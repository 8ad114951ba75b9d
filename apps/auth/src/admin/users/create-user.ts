import { UnknownOutcome } from '@ledgate/eventsourcing'
import type { Sealer } from '@ledgate/vault'
import {
  type Actor,
  type Clock,
  type CommandContext,
  consequenceOf,
  type EventLog,
  type StreamName,
  handle,
} from '../../log/index.ts'
import { assertAuthorization } from './authorization.ts'
import { type Addresses, email, type EmailEvent, type EmailState, readEmail } from '../../email-address/index.ts'
import { newSubject, UnknownAccount } from '../../user/index.ts'
import type { PasswordHasher } from '../../password/index.ts'
import {
  type Registration,
  requireAddress,
  requireNewAddress,
  RESERVATION_LIFETIME,
  sealRegistration,
} from '../../account/index.ts'

/** A user whom an operator vouches for. */
export interface VouchedAccount {
  readonly email: string
  readonly password: string
  readonly name?: string | undefined
  readonly roles?: readonly string[] | undefined
  readonly entitlements?: readonly string[] | undefined
}

/** A user who can sign in now. */
export interface MadeAccount {
  readonly sub: string
  readonly isNew: boolean
  readonly position: string
}

export interface VouchingDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly hasher: Pick<PasswordHasher, 'hash'>
  readonly addresses: Addresses
  readonly clock: Clock
  readonly newId: () => string
  /** Does now what follows from the confirmation of an address. @throws {UnknownAccount} when the user of the token was erased. */
  finish(stream: StreamName<EmailEvent>, context: CommandContext): Promise<Omit<MadeAccount, 'isNew'>>
}

/** Creates users on behalf of an operator, with a confirmed address. */
interface Assignment {
  readonly stream: StreamName<EmailEvent>
  readonly registration: Registration
  readonly dataKey: string
  readonly context: CommandContext
  readonly isBarred: IsBarred
}

/** Whether the address is not given after all; asked at the very revision at which it would be taken. */
type IsBarred = () => Promise<boolean>

/** Events of a stream that are read at once. */
const HISTORY_PAGE = 100

const isSameActor = (one: Actor, other: Actor): boolean => one.type === other.type && one.id === other.id

/** Accounts without a mail, for whom an operator or the bootstrap file vouches. */
export function openUserCreation({ log, sealer, hasher, addresses, clock, newId, finish }: VouchingDependencies) {
  const streamOf = ({ email: text }: Pick<VouchedAccount, 'email'>) =>
    addresses.stream(addresses.hmac(requireAddress(text)))

  /** Takes the address for the user; `false` if it is taken or barred. */
  async function assign({ stream, registration, dataKey, context, isBarred }: Assignment): Promise<boolean> {
    const ask = async ({ state }: { readonly state: EmailState }) => {
      if (state.status === 'confirmed' || (await isBarred())) return undefined
      const reservation = {
        reservation_id: newId(),
        expires_at: clock.now() + RESERVATION_LIFETIME,
        data_key: dataKey,
        registration: await sealRegistration(sealer, dataKey, registration),
      }
      const owner = await sealer.seal(dataKey, 'owner', registration.sub)
      return { command: { type: 'Assign', reservation, owner }, context, dataKey } as const
    }
    const { position } = await handle(log, { stream, decider: email }, ask)
    return position !== undefined
  }

  async function isUnused(stream: StreamName<EmailEvent>, dataKey: string): Promise<boolean> {
    const events = await log.last(stream, 2)
    return !events.some((event) => 'data_key' in event.data && event.data.data_key === dataKey)
  }

  /** The account that an address has; none when the user of the token was erased, whose address is given back then. */
  async function existing(stream: StreamName<EmailEvent>, context: CommandContext): Promise<MadeAccount | undefined> {
    if ((await readEmail(log, stream)).state.status !== 'confirmed') return undefined
    try {
      return { ...(await finish(stream, context)), isNew: false }
    } catch (error) {
      if (error instanceof UnknownAccount) return undefined
      throw error
    }
  }

  async function create(account: VouchedAccount, context: CommandContext, isBarred: IsBarred): Promise<MadeAccount> {
    const { email: text, password, name, roles = [], entitlements = [] } = account
    const stream = streamOf(account)
    const found = await existing(stream, context)
    if (found !== undefined) return found
    assertAuthorization({ roles, entitlements })
    const address = requireNewAddress(text)
    const person = { sub: newSubject(), email: address, password: await hasher.hash(password) }
    const rights = { roles: [...roles], entitlements: [...entitlements] }
    const dataKey = await sealer.createDataKey()
    try {
      const registration = { ...person, ...(name !== undefined && { name }), ...rights }
      const isNew = await assign({ stream, registration, dataKey, context, isBarred })
      if (!isNew) await sealer.destroyDataKey(dataKey)
      return { ...(await finish(stream, isNew ? consequenceOf(context) : context)), isNew }
    } catch (error) {
      if (!(error instanceof UnknownOutcome) && (await isUnused(stream, dataKey))) await sealer.destroyDataKey(dataKey)
      throw error
    }
  }

  /** Whether an actor ever gave the address to somebody: the whole history of its stream is read, newest first. */
  async function wasGivenBy(stream: StreamName<EmailEvent>, actor: Actor): Promise<boolean> {
    let events = await log.last(stream, HISTORY_PAGE)
    for (;;) {
      if (events.some((event) => event.type === 'EmailConfirmed' && isSameActor(event.envelope.actor, actor)))
        return true
      const oldest = events.at(-1)
      if (oldest === undefined || oldest.revision === 0n) return false
      events = await log.page(stream, oldest.revision - 1n, HISTORY_PAGE)
    }
  }

  return {
    async wasMade(account: Pick<VouchedAccount, 'email'>, { actor }: CommandContext): Promise<boolean> {
      const stream = streamOf(account)
      return (await readEmail(log, stream)).state.status === 'confirmed' || wasGivenBy(stream, actor)
    },

    create: (account: VouchedAccount, context: CommandContext) => create(account, context, async () => false),

    async createOnce(account: VouchedAccount, context: CommandContext): Promise<void> {
      const stream = streamOf(account)
      const isBarred = () => wasGivenBy(stream, context.actor)
      try {
        await create(account, context, isBarred)
      } catch (error) {
        // Made once before, and gone already.
        if (!(error instanceof UnknownAccount) || !(await isBarred())) throw error
      }
    },
  }
}
