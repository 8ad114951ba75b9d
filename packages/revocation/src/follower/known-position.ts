import type { Heartbeat, LogPosition } from '../statement/index.ts'

/** How much later a heartbeat with an earlier place must be, in milliseconds: replicas are not that far apart. */
const ANOTHER_LOG_MS = 30_000

/** Up to which place of the log everything is known, from whatever source. */
export interface Place {
  readonly through: LogPosition | undefined
  /**
   * Takes in a place that was vouched for.
   *
   * @returns false when the log must be another one, for it now ends long before where it ended long ago: restored from a
   * backup, most likely. Whatever was known of places and cursors is forgotten then, but not how new
   * the newest heartbeat was: a topic gives those of the other log once more.
   */
  reached(heartbeat: Pick<Heartbeat, 'through' | 'at'>): boolean
}

/** Nothing is known yet. */
export function place(): Place {
  let known: Pick<Heartbeat, 'through' | 'at'> | undefined
  let newestAt = Number.NEGATIVE_INFINITY

  return {
    get through() {
      return known?.through
    },
    reached(heartbeat) {
      // What a source gives again from its beginning says nothing of the end of the log.
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
