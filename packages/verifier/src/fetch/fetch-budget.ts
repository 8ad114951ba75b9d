import type { Clock } from '@ledgate/revocation'

/** Limits how often unauthenticated requests can cause a fetch. */
export interface FetchBudget {
  /** Reserves a fetch. @returns milliseconds until it may start: 0 for now. */
  take(): number
}

const BURST = 4

/**
 * Four at once, then one in every `refillMs`. A fetch that exceeds the budget is delayed, not dropped: whatever attackers request,
 * a legitimate request waits that long at most.
 */
export function fetchBudget(clock: Pick<Clock, 'monotonic'>, refillMs: number): FetchBudget {
  /** When the budget will be full again. */
  let fullAt = Number.NEGATIVE_INFINITY
  return {
    take() {
      const now = clock.monotonic()
      fullAt = Math.max(fullAt, now) + refillMs
      return Math.max(0, fullAt - now - BURST * refillMs)
    },
  }
}
