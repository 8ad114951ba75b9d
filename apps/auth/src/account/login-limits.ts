import { TooManyRequests } from '@ledgate/oauth'
import { LRUCache } from 'lru-cache'
import { type SourceLane, sourceLane } from '../limit/index.ts'

/** How failed sign-ins slow down further ones. Durations are in seconds. */
export interface LoginLimits {
  /** Failures of one source at one account before it has to wait. */
  readonly freeFailures: number
  /** The wait after the first failure too many; it doubles with each further one. */
  readonly firstDelay: number
  readonly longestDelay: number
  /** A source that leaves an account alone for so long starts anew. */
  readonly forgetAfter: number
  /** Failures that all sources never seen at an account share, and in which time as many more come. */
  readonly sharedFailures: number
  readonly sharedPeriod: number
  /** Accounts, and pairs of account and source, that are remembered; the least used leave first. */
  readonly remembered: number
}

export const DEFAULT_LOGIN_LIMITS: LoginLimits = {
  freeFailures: 5,
  firstDelay: 1,
  longestDelay: 900,
  forgetAfter: 3600,
  sharedFailures: 100,
  sharedPeriod: 3600,
  remembered: 100_000,
}

/** One try to sign in that was let through. Exactly one of its ends is told. */
export interface Attempt {
  succeeded(): void
  /** When the source may try again, in seconds since the epoch; `undefined`: at once. */
  failed(): number | undefined
  /** It came to nothing: nobody looked at the password. */
  abandoned(): void
}

/** Decides which tries to sign in are looked at. */
export interface LoginGuard {
  /**
   * Waits for its turn behind undecided tries of the same source at the same account, so that many at once are no more
   * guesses than one after the other.
   *
   * @param account any name that is the same for the same address, whether anybody has it or not.
   * @throws {TooManyRequests} when the source has to wait.
   */
  begin(account: string, source: string): Promise<Attempt>
}

/** Lets everything through: for load tests. */
export const noLoginLimits: LoginGuard = {
  begin: async () => ({ succeeded: () => {}, failed: () => undefined, abandoned: () => {} }),
}

/** Sources remembered as seen, for one account. */
const SEEN_SOURCES = 20

/** What is left of the budget that sources never seen at an account share. */
interface Budget {
  left: number
  at: number
}

const tooMany = (retryAfter: number) =>
  new TooManyRequests('sign-ins of this source at this account failed too often', { retryAfter })

/**
 * Counts in memory. A source that signed in at an account before is slowed down by its own failures only; the others
 * share a budget there, so that an army of sources guesses no more than a few. Addresses without an account are counted
 * the same, so that limits do not tell which is which.
 */
export function loginGuard(limits: LoginLimits, nowMs: () => number): LoginGuard {
  const lanes = new LRUCache<string, SourceLane>({ max: limits.remembered })
  const budgets = new LRUCache<string, Budget>({ max: limits.remembered })
  // Apart from the rest: only accounts that exist get in, so nobody pushes them out with made-up addresses.
  const seen = new LRUCache<string, LRUCache<string, true>>({ max: limits.remembered })

  function laneOf(account: string, source: string): SourceLane {
    const key = `${account} ${source}`
    const lane = lanes.get(key) ?? sourceLane(limits, nowMs)
    lanes.set(key, lane)
    return lane
  }

  function budgetOf(account: string): Budget {
    const now = nowMs()
    const { left, at } = budgets.get(account) ?? { left: limits.sharedFailures, at: now }
    const gained = ((now - at) / 1000 / limits.sharedPeriod) * limits.sharedFailures
    const budget = { left: Math.min(limits.sharedFailures, left + Math.max(0, gained)), at: now }
    budgets.set(account, budget)
    return budget
  }

  /** @throws {TooManyRequests} when the budget is spent. */
  function spend(account: string): () => void {
    const budget = budgetOf(account)
    if (budget.left < 1) throw tooMany(Math.ceil(((1 - budget.left) * limits.sharedPeriod) / limits.sharedFailures))
    budget.left -= 1
    return () => {
      const now = budgetOf(account)
      now.left = Math.min(limits.sharedFailures, now.left + 1)
    }
  }

  function remember(account: string, source: string): void {
    const sources = seen.get(account) ?? new LRUCache<string, true>({ max: SEEN_SOURCES })
    sources.set(source, true)
    seen.set(account, sources)
  }

  return {
    async begin(account, source) {
      const lane = laneOf(account, source)
      const wait = await lane.enter()
      if (wait > 0) throw tooMany(wait)
      let giveBack = () => {}
      try {
        if (!seen.get(account)?.has(source)) giveBack = spend(account)
      } catch (error) {
        lane.leave('abandoned')
        throw error
      }
      return {
        succeeded() {
          giveBack()
          remember(account, source)
          lane.leave('succeeded')
        },
        failed: () => lane.leave('failed'),
        abandoned() {
          giveBack()
          lane.leave('abandoned')
        },
      }
    },
  }
}
