import type { Clock } from '../time/index.ts'
import type { Heartbeat } from '../statement/index.ts'

export interface FreshnessOptions {
  readonly clock: Clock
  /** Milliseconds that the clock of the issuer may be ahead; a heartbeat from further ahead is ignored. */
  readonly allowedSkewMs?: number
}

/** How recent the latest moment is up to which everything is known. */
export interface Freshness {
  /**
   * Takes in a heartbeat that confirms what was applied before.
   *
   * @returns whether it was new: not from the future, and later than every one before it.
   */
  heard(heartbeat: Pick<Heartbeat, 'at'>): boolean
  /**
   * Milliseconds since the latest moment up to which everything is known; infinite before the first heartbeat. The larger of what
   * the two clocks say, so that a suspended machine, a wall clock that was set back and an old backlog never look fresh.
   */
  stalenessMs(): number
}

/** Before the first heartbeat. */
export function freshness({ clock, allowedSkewMs = 2_000 }: FreshnessOptions): Freshness {
  let latest: { readonly at: number; readonly arrived: number } | undefined

  return {
    heard({ at }) {
      if (at > clock.wall() + allowedSkewMs) return false
      if (latest !== undefined && at <= latest.at) return false
      latest = { at, arrived: clock.monotonic() }
      return true
    },

    stalenessMs() {
      if (latest === undefined) return Number.POSITIVE_INFINITY
      return Math.max(clock.wall() - latest.at, clock.monotonic() - latest.arrived)
    },
  }
}
