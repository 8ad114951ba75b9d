import { TooManyRequests } from '@ledgate/oauth'
import {
  createBudgets,
  createKnownPlaces,
  createNetworkLanes,
  type SourceLane,
  createSourceLane,
} from '../limit/index.ts'
import { networkOf, type Source } from '../log/index.ts'
import type { LoginHistory } from './login-history.ts'
import type { LoginLimits } from '../config/index.ts'

/** The claimed account. */
export interface Claim {
  /** The same for the same account, or for the same address that no one has. */
  readonly account: string
  readonly source: Source
  /** The user signed in from there before. */
  readonly isKnown: boolean
}

/** One try to sign in that was let through. Exactly one of its ends is told. */
export interface Attempt {
  succeeded(): void
  /** When the source may try again, in seconds since the epoch; `undefined`: at once. */
  failed(): number | undefined
  /** It came to nothing: no one looked at the password. */
  abandoned(): void
}

/** Decides which tries to sign in are looked at. */
export interface LoginGuard {
  /**
   * Waits for its turn behind undecided tries of the same source at the same account, so that many at once are no more
   * guesses than one after the other.
   *
   * @throws {TooManyRequests} when the source has to wait.
   */
  begin(claim: Claim): Promise<Attempt>
  /** Takes up what was counted before, by this process or another one. */
  resume(account: string, history: LoginHistory): void
}

/** Lets everything through: for load tests. */
export const noLoginLimits: LoginGuard = {
  begin: async () => ({ succeeded: () => {}, failed: () => undefined, abandoned: () => {} }),
  resume: () => {},
}

const tooMany = (retryAfter: number) =>
  new TooManyRequests('too many failed sign-ins at this account from this source', { retryAfter })

/**
 * Counts in memory. A place that signed in at an account before is slowed down by its own failures only; all others are counted
 * by network, since an agent can be made up anew for each guess, and share a budget there, so that an army of networks
 * guesses no more than a few.
 *
 * Nothing here knows which accounts exist: made-up names are counted the same, and push nothing out that matters, because
 * each network has a part of the memory for itself, and of the budgets the nearest to being whole leaves first.
 */
export function createLoginGuard(limits: LoginLimits, nowMs: () => number): LoginGuard {
  const { namesPerSource, remembered, sharedFailures: amount, sharedPeriod: period } = limits
  const make = () => createSourceLane(limits, nowMs)
  const lanes = createNetworkLanes({ perNetwork: namesPerSource, remembered, make })
  const shared = createBudgets({ amount, period, remembered, nowMs })
  /** Lanes of known places: only somebody who signed in has one. */
  const places = createKnownPlaces<SourceLane>(remembered)
  /** Delays that the log told of, until their source comes back. */
  const delays = createKnownPlaces<LoginHistory['delays'][number]>(remembered)

  function laneOf({ account, source, isKnown }: Claim): SourceLane {
    const own = isKnown ? (places.get(account, source.hash) ?? make()) : lanes.take(networkOf(source), account)
    if (isKnown) places.add(account, source.hash, own)
    const before = delays.get(account, source.hash)
    if (before !== undefined) {
      delays.forget(account, source.hash)
      if (nowMs() - before.at < limits.forgetAfter * 1000) own.resume(before)
    }
    return own
  }

  return {
    resume(account, { shared: spent, delays: found }) {
      if (spent !== undefined) shared.resume(account, spent.spent, spent.at)
      for (const delay of found.toReversed()) delays.add(account, delay.source, delay)
    },

    async begin(claim) {
      const { account, source, isKnown } = claim
      const lane = laneOf(claim)
      const wait = await lane.enter()
      if (wait > 0) throw tooMany(wait)
      if (!isKnown && !shared.take(account)) {
        lane.leave('abandoned')
        throw tooMany(shared.wait(account))
      }
      const giveBack = () => {
        if (!isKnown) shared.giveBack(account)
      }
      return {
        succeeded() {
          giveBack()
          delays.forget(account, source.hash)
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
