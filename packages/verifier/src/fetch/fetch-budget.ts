import type { Clock } from '@ledgate/revocation'

/** How often something may be done that strangers can ask for. */
export interface FetchBudget {
  /** Takes one. @returns milliseconds until it may be done: 0 for now. */
  take(): number
}

const BURST = 4

/**
 * Four at once, then one in every `refillMs`. What is asked for too early is done later, not never: so whatever strangers ask
 * for, somebody honest waits that long at the most.
 */
export function fetchBudget(clock: Pick<Clock, 'monotonic'>, refillMs: number): FetchBudget {
  /** When the budget would be whole again. */
  let fullAt = Number.NEGATIVE_INFINITY
  return {
    take() {
      const now = clock.monotonic()
      fullAt = Math.max(fullAt, now) + refillMs
      return Math.max(0, fullAt - now - BURST * refillMs)
    },
  }
}
