import type { Checkpoints, Position } from '@ledgate/eventsourcing'
import { type Clock, type CommandContext, type EventLog, handle } from '../log/index.ts'
import { LINK_LIFETIME } from '../mail/index.ts'
import { resume } from '../process-manager/index.ts'
import { email, type EmailRecord, emailStream } from '../email-address/index.ts'

export interface SweeperDependencies {
  readonly log: EventLog
  readonly checkpoints: Checkpoints
  readonly clock: Clock
  readonly newId: () => string
}

/** Releases addresses that were not confirmed. */
export interface Sweeper {
  /** Releases every reservation that no link can confirm any more, until the signal; answers how many. */
  sweep(signal: AbortSignal): Promise<number>
}

const NAME = 'reservation-sweeper'

/** Events between two checkpoints within one sweep. */
const SAVE_EVERY = 500

type Reserved = Extract<EmailRecord, { type: 'EmailReserved' }>

/** A link is asked for while the reservation lasts, at the latest, and lives its own life from then. */
const isOver = ({ data }: Reserved, now: number): boolean => now >= data.expires_at + LINK_LIFETIME

/**
 * Follows the log at the distance at which reservations end: they all last equally long, so the first that is not over
 * is the place to go on from next time. The registration process handles what follows from a release.
 */
export function openSweeper({ log, checkpoints, clock, newId }: SweeperDependencies): Sweeper {
  async function release({ stream, data: { reservation_id: reservationId } }: Reserved): Promise<boolean> {
    const commandId = newId()
    const actor = { type: 'system', id: NAME } as const
    const context: CommandContext = { commandId, correlationId: commandId, causationId: commandId, actor }
    const command = { type: 'Release', reservationId, reason: 'expired' } as const
    const { position } = await handle(log, { stream, decider: email }, () => ({ command, context }))
    return position !== undefined
  }

  return {
    async sweep(signal) {
      const start = await resume(log.store, checkpoints, NAME)
      let reached: Position = start
      let [released, seen] = [0, 0]
      const request = { after: start, filter: { categories: ['email'] }, signal }
      for await (const recorded of log.store.readAll(request)) {
        const event = emailStream.decode(recorded)
        if (event?.type === 'EmailReserved') {
          if (!isOver(event, clock.now())) break
          if (await release(event)) released += 1
        }
        reached = recorded.position
        seen += 1
        if (seen % SAVE_EVERY === 0) await checkpoints.save(NAME, reached)
      }
      if (reached !== start) await checkpoints.save(NAME, reached)
      return released
    },
  }
}
