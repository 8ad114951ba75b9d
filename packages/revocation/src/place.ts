import type { Heartbeat, LogPosition } from './notice.ts'

/** How much later a heartbeat with an earlier place must be, in milliseconds: replicas are not that far apart. */
const ANOTHER_LOG_MS = 30_000

/** Up to which place of the log everything is known, from whatever source. */
export interface Place {
  readonly through: LogPosition | undefined
  /**
   * Takes in a place that was vouched for.
   *
   * @returns false when the log must be another one, for it now ends long before where it ended long ago: restored from a
   * backup, most likely. Whatever was known of places and cursors is forgotten then.
   */
  reached(heartbeat: Pick<Heartbeat, 'through' | 'at'>): boolean
}

/** Nothing is known yet. */
export function place(): Place {
  let known: Pick<Heartbeat, 'through' | 'at'> | undefined

  return {
    get through() {
      return known?.through
    },
    reached(heartbeat) {
      if (known === undefined || heartbeat.through >= known.through) {
        known = { through: heartbeat.through, at: Math.max(heartbeat.at, known?.at ?? 0) }
        return true
      }
      if (heartbeat.at <= known.at + ANOTHER_LOG_MS) return true
      known = undefined
      return false
    },
  }
}
