import type { AccountRecord } from './account-record.ts'
import { ERASED, type Sealer } from '@ledgate/vault'
import { type CommandContext, type EventLog, type StreamName, handle, type Written } from '../log/index.ts'
import { causedBy } from '../process-manager/index.ts'
import {
  type Addresses,
  email,
  type EmailEvent,
  ERASED_REASON,
  normalizeAddress,
  readOwner,
} from '../email-address/index.ts'
import { changeUser, userStream } from '../user/index.ts'

export interface ErasureDependencies {
  readonly log: EventLog
  readonly sealer: Sealer
  readonly addresses: Addresses
  readonly newId: () => string
}

/** Makes a user unreadable for good: in the log, in the views, and in every copy of them. */
export interface Erasure {
  /** @throws {UnknownAccount} if the user does not exist or was erased. */
  erase(sub: string, reason: string, context: CommandContext): Promise<Written>
  /** Finishes what an erasure began, even if a process died meanwhile. Safe to repeat. */
  complete(event: AccountRecord): Promise<void>
  /** Frees an address that a reservation took, and destroys what would tell whose it was. */
  release(stream: StreamName<EmailEvent>, reservationId: string, context: CommandContext): Promise<void>
}

const PROCESS = 'erasure'

/**
 * The event first: whatever happens then, a process finishes it. The address next, for which the user's key is still
 * needed; the keys last.
 */
export function openErasure({ log, sealer, addresses, newId }: ErasureDependencies): Erasure {
  async function release(
    stream: StreamName<EmailEvent>,
    reservationId: string,
    context: CommandContext,
  ): Promise<void> {
    const command = { type: 'GiveUp', reservationId, reason: ERASED_REASON } as const
    const { before, position } = await handle(log, { stream, decider: email }, ({ state }) =>
      state.status === 'confirmed' && state.reservation_id === reservationId ? { command, context } : undefined,
    )
    if (position !== undefined && before.status === 'confirmed') await sealer.destroyDataKey(before.data_key)
  }

  async function complete(event: AccountRecord): Promise<void> {
    if (event.type !== 'SubjectErased') return
    const { user } = event.data
    const text = await sealer.unseal(user.email, 'email')
    const address = text === ERASED ? undefined : normalizeAddress(text)
    if (address !== undefined) {
      const stream = addresses.stream(addresses.hmac(address))
      const owner = await readOwner(log, sealer, stream)
      if (owner?.sub === user.sub) await release(stream, owner.reservationId, causedBy(event, PROCESS, newId()))
    }
    await sealer.destroyDataKey(user.data_key)
  }

  return {
    complete,
    release,
    async erase(sub, reason, context) {
      const { position } = await changeUser(log, sub, { type: 'Erase', reason }, context)
      const [newest] = await log.last(userStream.of(sub))
      if (newest !== undefined) await complete(newest)
      return { position }
    },
  }
}
