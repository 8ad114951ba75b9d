import type { Position } from '@ledgate/eventsourcing'
import { InvalidRequest, TemporarilyUnavailable } from '@ledgate/oauth'
import type { EventLog } from '../../log/index.ts'
import type { PositionWaiter } from '../../projection/index.ts'

export interface MinPositionDependencies {
  readonly log: { readonly store: Pick<EventLog['store'], 'parsePosition' | 'head'> }
  readonly views: PositionWaiter
  /** Milliseconds that it may wait for the views of this replica; default: 5,000. */
  readonly withinMs?: number
}

const WITHIN_MS = 5_000

/** Waits until the views show what was written up to a position, as `min_position` asks. */
export function minPosition({ log: { store }, views, withinMs = WITHIN_MS }: MinPositionDependencies) {
  function askedFor(text: string): Position {
    try {
      return store.parsePosition(text)
    } catch (error) {
      throw new InvalidRequest('min_position is not a position of this log', { cause: error })
    }
  }

  /** @throws {InvalidRequest} when the log never had such a position. @throws {TemporarilyUnavailable} */
  return async (text: string): Promise<void> => {
    const position = askedFor(text)
    if (await views.waitFor(position, 0)) return
    // No one was ever given a place beyond the end: it is of another log, or made up.
    if (position > (await store.head())) throw new InvalidRequest('min_position is beyond the end of the log')
    if (!(await views.waitFor(position, withinMs)))
      throw new TemporarilyUnavailable('the views have not reached min_position')
  }
}
