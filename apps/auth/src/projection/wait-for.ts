import type { Position } from '@ledgate/eventsourcing'

/** Readers can wait for a position of the log: read your writes. */
export interface PositionWaiter {
  /**
   * Whether the views (default: all of them) hold everything up to a position. `false` when that took too long, or one of
   * them has stopped.
   */
  waitFor(position: Position, timeoutMs: number, names?: readonly string[]): Promise<boolean>
}
