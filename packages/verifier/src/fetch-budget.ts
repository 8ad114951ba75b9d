import type { Clock } from './types.ts'

/** How often something may be done that strangers can ask for. */
export interface FetchBudget {
  /** Takes one. @returns milliseconds until it may be done: 0 for now. */
  take(): number
}

const BURST = 4
const REFILL_MS = 5_000

/**
 * Four at once, then one every five seconds. What is asked for too early is done later, not never: so whatever strangers ask
 * for, somebody honest waits five seconds at the most.
 */
export function fetchBudget(clock: Pick<Clock, 'monotonic'>): FetchBudget {
  /** When the budget would be whole again. */
  let fullAt = Number.NEGATIVE_INFINITY
  return {
    take() {
      const now = clock.monotonic()
      fullAt = Math.max(fullAt, now) + REFILL_MS
      return Math.max(0, fullAt - now - BURST * REFILL_MS)
    },
  }
}
