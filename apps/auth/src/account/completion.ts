import { ERASED, type Sealer } from '@ledgate/vault'
import type { Addresses, EmailRecord } from '../email-address/index.ts'
import { type Clock, type CommandContext, type EventLog, retryOnConflict } from '../log/index.ts'
import { type LinkKeys, MAIL_EVENTS, mailStream } from '../mail/index.ts'
import { causedBy } from '../process-manager/index.ts'
import { type ChangedUser, changeUser, readUser, type UserState } from '../user/index.ts'
import type { AccountRecord } from './account-record.ts'
import { type Confirmed, releaseErased, replaceAddress } from './address-replacement.ts'
import {
  eraseUnverified,
  previousEvent,
  registerReserved,
  requestConfirmation,
  type Reserved,
} from './register-reserved.ts'

export interface CompletionDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly linkKeys: LinkKeys
  readonly addresses: Addresses
  readonly clock: Clock
  readonly newId: () => string
}

/**
 * What follows from the events in the stream of an address. Everything is read from the log and the vault, and every step
 * can be repeated, also by another process: the second one finds it done.
 */
export interface Completion {
  /** Does everything that follows from the event. */
  complete(event: AccountRecord): Promise<void>
  /** The user of a confirmed address, who can sign in once it resolves; `undefined` if erased meanwhile. */
  confirmed(event: Confirmed): Promise<ChangedUser | undefined>
}

const PROCESS = 'registration'

/** Completes what registrations and confirmations acknowledged. */
export const openCompletion = (dependencies: CompletionDependencies): Completion => new AccountCompletion(dependencies)

class AccountCompletion implements Completion {
  readonly #dependencies: CompletionDependencies & { because(event: AccountRecord): CommandContext }

  constructor(dependencies: CompletionDependencies) {
    const because = (event: AccountRecord) => causedBy(event, PROCESS, dependencies.newId())
    this.#dependencies = { ...dependencies, because }
  }

  async complete(event: AccountRecord): Promise<void> {
    if (event.type === 'EmailReserved') await this.#reserved(event)
    if (event.type === 'EmailConfirmed') await this.confirmed(event)
    if (event.type === 'EmailReleased') await this.#released(event)
  }

  async confirmed(event: Confirmed): Promise<ChangedUser | undefined> {
    const { log, because } = this.#dependencies
    const owner = await this.#ownerOf(event)
    if (owner === undefined) return undefined
    if (owner.erased) {
      await releaseErased(this.#dependencies, event, owner.sub)
      return undefined
    }
    const chosen = owner.email_verified ? undefined : await this.#chosenPassword(event, owner)
    const changed = await changeUser(log, owner.sub, { type: 'VerifyEmail', chosen }, because(event))
    await this.#redeem(event, owner)
    await replaceAddress(this.#dependencies, event, changed.state)
    return changed
  }

  async #reserved(event: Reserved): Promise<void> {
    const previous = await previousEvent(this.#dependencies.log, event)
    if (previous?.type === 'EmailReserved') {
      const reason = 'another registration took the address'
      await eraseUnverified(this.#dependencies, previous, { cause: event, reason })
    }
    const registered = await registerReserved(this.#dependencies, event)
    if (registered !== undefined && !registered.erased) await requestConfirmation(this.#dependencies, event, registered)
  }

  async #released(event: EmailRecord): Promise<void> {
    const previous = await previousEvent(this.#dependencies.log, event)
    if (previous?.type === 'EmailReserved') {
      const reason = 'the address was not confirmed in time'
      await eraseUnverified(this.#dependencies, previous, { cause: event, reason })
    }
    // Its owner has another address now: nothing may show any longer whose it was.
    if (previous?.type === 'EmailConfirmed') await this.#dependencies.sealer.destroyDataKey(previous.data.data_key)
  }

  async #ownerOf(event: Confirmed): Promise<UserState | undefined> {
    const { log, sealer } = this.#dependencies
    const sub = await sealer.unseal(event.data.owner, 'owner')
    if (sub === ERASED) return undefined
    const found = await readUser(log, sub)
    if (found !== undefined) return found.state
    const previous = await previousEvent(log, event)
    return previous?.type === 'EmailReserved' ? registerReserved(this.#dependencies, previous) : undefined
  }

  /** The hash of the password chosen at the confirmation, sealed again with the user's key. */
  async #chosenPassword(event: Confirmed, owner: UserState) {
    const { sealer } = this.#dependencies
    if (event.data.password === undefined) return undefined
    const phc = await sealer.unseal(event.data.password, 'password')
    if (phc === ERASED) return undefined
    return { password: await sealer.seal(owner.data_key, 'password', phc), now: Math.floor(event.created / 1000) }
  }

  async #redeem(event: Confirmed, { data_key: dataKey }: UserState): Promise<void> {
    const { log, because } = this.#dependencies
    const { mail_id } = event.data
    if (mail_id === undefined) return
    const stream = mailStream.of(mail_id)
    await retryOnConflict(async () => {
      const mails = await log.last(stream, MAIL_EVENTS)
      if (mails[0] === undefined || mails.some(({ type }) => type === 'LinkRedeemed')) return
      const expected = mails[0].revision
      const written = { expected, context: because(event), dataKey }
      await log.append(stream, [{ type: 'LinkRedeemed', data: { mail_id } }], written)
    })
  }
}
