import type { Clock } from '../time/index.ts'
import type { Heartbeat } from '../statement/index.ts'

export interface FreshnessOptions {
  readonly clock: Clock
  /** Milliseconds that the issuer's clock may be ahead of ours; a heartbeat from further on is not believed. */
  readonly allowedSkewMs?: number
}

/** How old the newest thing is that a feed surely told everything about. */
export interface Freshness {
  /**
   * Takes in a heartbeat that vouches for what was applied before.
   *
   * @returns whether it was news: not from the future, and later than every one before it.
   */
  heard(heartbeat: Pick<Heartbeat, 'at'>): boolean
  /**
   * Milliseconds since the latest time at which everything is known to have been told; infinite before the first heartbeat.
   * The larger of what the two clocks say, so that a suspended machine, a wall clock that was set back and a backlog that
   * arrives only now are never taken for fresh.
   */
  stalenessMs(): number
}

/** Nothing was heard yet. */
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
