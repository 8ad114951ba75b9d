import type { SignatureAlgorithm } from '@ledgate/jws'
import type { Clock } from '@ledgate/revocation'
import type { FetchLimits } from '../fetch/index.ts'
import type { JwksOptions, KeysHealth } from './jwks-options.ts'
import type { TrustedKey } from './key-set.ts'

/** The public keys of one set, kept in memory. A lookup fetches nothing; the set is only fetched in the background. */
export interface KeyCache {
  /** The first key with this id, if it is trusted now. */
  get(kid: string): TrustedKey | undefined
  /**
   * The trusted keys that may have signed a token with this header: with its `kid`, where it has one, and for its algorithm.
   * Almost always one.
   */
  matching(kid: string | undefined, alg: unknown): readonly TrustedKey[]
  /** Whether the set is recent enough to be trusted. If it is not, a fetch is under way. */
  isFresh(): boolean
  /** Whether the last fetch succeeded: if not, a key that is not in the set may exist nevertheless. */
  isReachable(): boolean
  /**
   * Fetches the set because of a key that it does not have, as far as the budget allows; one fetch for any number of kids.
   * Settles when the fetch is over or after `waitMs`, and never rejects.
   *
   * @param since when a message named the key, in milliseconds of the monotonic clock: a set that was requested after that is
   * the answer, and is not requested again.
   * @returns whether {@link KeyCache.get} now tells for certain if there is such a key: the set is fresh, and has it, or was
   * fetched because of it or after it was named.
   */
  seek(kid: string, waitMs: number, since?: number): Promise<boolean>
  /** Never trusts this key again, even if a set has it: it is compromised. */
  ban(kid: string): void
  /** Keeps the set up to date from now on. May be called again. */
  start(): void
  /** Resolves once there is a set. Rejects when it is closed first. */
  ready(): Promise<void>
  health(): KeysHealth
  close(): void
}

export interface KeyCacheOptions extends Omit<JwksOptions, 'uri' | 'unknownKidWaitMs'> {
  /** Finds the URL of the set; called again after a failure, since it may have moved. */
  readonly locate: (limits: FetchLimits) => Promise<string>
  readonly algorithms: readonly SignatureAlgorithm[]
  readonly clock: Clock
  /** From 0 to 1: spreads the fetches of many verifiers. */
  readonly random?: () => number
  /** Milliseconds between fetches because of unknown keys, after the first few. Default: 5,000. */
  readonly searchEveryMs?: number
  /** The longest time, in milliseconds, for which a key that was not in the set is not searched for again. Default: 30,000. */
  readonly longestMissingMs?: number
  /** Called after each fetch. */
  readonly onFetch?: (outcome: 'fetched' | 'failed', error?: unknown) => void
}
