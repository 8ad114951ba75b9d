import type { Heartbeat, LogPosition } from '../statement/index.ts'

/** How much later a heartbeat with an earlier position must be, in milliseconds: replicas are not that far apart. */
const ANOTHER_LOG_MS = 30_000

/** Up to which position of the log everything is known, from any source. */
export interface KnownPosition {
  readonly through: LogPosition | undefined
  /**
   * Takes in a position that was confirmed.
   *
   * @returns false when the log must be another one, since it ends long before where it ended long ago: it was restored from a
   * backup, most likely. Positions and cursors are forgotten then, but not how recent the newest heartbeat was: a topic repeats
   * those of the other log.
   */
  reached(heartbeat: Pick<Heartbeat, 'through' | 'at'>): boolean
}

/** Nothing is known yet. */
export function knownPosition(): KnownPosition {
  let known: Pick<Heartbeat, 'through' | 'at'> | undefined
  let newestAt = Number.NEGATIVE_INFINITY

  return {
    get through() {
      return known?.through
    },
    reached(heartbeat) {
      // What a source repeats from its beginning says nothing about the end of the log.
      if (heartbeat.at < newestAt) return true
      newestAt = heartbeat.at
      if (known === undefined || heartbeat.through >= known.through) {
        known = heartbeat
        return true
      }
      if (heartbeat.at <= known.at + ANOTHER_LOG_MS) return true
      known = undefined
      return false
    },
  }
}
