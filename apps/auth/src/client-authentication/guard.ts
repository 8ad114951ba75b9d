import { TooManyRequests } from '@ledgate/oauth'
import { createKnownPlaces, createNetworkLanes, createSourceLane, type SourceLane } from '../limit/index.ts'
import type { Source } from '../log/index.ts'
import type { ClientLimits } from '../config/index.ts'

/** One try to authenticate that was let through. Whoever asks for a turn leaves it. */
export interface Guess {
  /** Waits for its turn behind undecided tries, before work that takes its time. @throws {TooManyRequests} */
  turn(): Promise<void>
  leave(end: 'failed' | 'abandoned'): void
  failed(): void
  succeeded(): void
}

/** Decides which credentials are looked at. */
export interface ClientGuard {
  /**
   * @param name of the client as it says itself, whether there is one or not.
   * @throws {TooManyRequests} when the source has to wait.
   */
  begin(name: string, source: Source | undefined): Guess
}

/** Lets everything through: for load tests. */
export const noClientLimits: ClientGuard = {
  begin: () => ({ turn: async () => {}, leave: () => {}, failed: () => {}, succeeded: () => {} }),
}

const UNKNOWN: Source = { hash: 'unknown', text: 'unknown' }

const tooMany = (retryAfter: number) =>
  new TooManyRequests('too many failed authentications of this client from this source', { retryAfter })

/**
 * Counts in memory, by client and network: an agent can be made up anew for each guess. A source that authenticated before is
 * judged by its own failures alone, also where others of its network fail. Nothing is counted by client alone: the whole
 * world may guess at one, and its own secret is looked at at once.
 */
export function createClientGuard(limits: ClientLimits, nowMs: () => number): ClientGuard {
  const make = () => createSourceLane(limits, nowMs, Infinity)
  const { namesPerSource, remembered } = limits
  const lanes = createNetworkLanes({ perNetwork: namesPerSource, remembered, make })
  const places = createKnownPlaces<SourceLane>(remembered)

  return {
    begin(name, { hash, network = hash } = UNKNOWN) {
      const known = places.get(name, hash)
      const before = known ?? lanes.find(network, name)
      const wait = before?.wait() ?? 0
      if (wait > 0) throw tooMany(wait)
      let taken = before
      let hasFailed = false
      const lane = () => (taken ??= lanes.take(network, name))
      return {
        async turn() {
          const left = await lane().enter()
          if (left > 0) throw tooMany(left)
        },
        leave(end) {
          hasFailed = end === 'failed'
          lane().leave(end)
        },
        failed() {
          if (!hasFailed) lane().fail()
        },
        succeeded() {
          taken?.succeed()
          if (known === undefined) places.add(name, hash, make())
        },
      }
    },
  }
}
