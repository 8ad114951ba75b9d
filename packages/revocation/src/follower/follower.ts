import type { Clock } from '../time/index.ts'
import type { RevocationSource } from '../feed/index.ts'
import type { Ended, FindKey, LogPosition, Notice } from '../statement/index.ts'
import type { RevocationIndex } from '../revocation-index/index.ts'

export interface FollowRevocations {
  /** Where revocations come from, and the source that is also read while the primary is not fresh. */
  readonly sources: readonly [primary: RevocationSource, fallback?: RevocationSource | undefined]
  readonly issuer: string
  readonly keyFor: FindKey
  /** The index that revocations are added to; it has a clock of its own. */
  readonly index: RevocationIndex
  readonly clock?: Clock
  /** From 0 to 1: spreads the reconnects of many followers. */
  readonly random?: () => number
  /** Is called with each new revocation; without a notice if it comes from a snapshot. */
  readonly onRevoked?: (ended: Ended, notice: Notice | undefined) => void
  /** Is called with each problem: an `InvalidStatement` that was skipped, or why a connection ended. */
  readonly onTrouble?: (error: unknown, source: string) => void
  /** Milliseconds without a newer heartbeat after which a connection is given up. Default: 3,000. */
  readonly silenceMs?: number
  /** Milliseconds without a fresh heartbeat from the primary after which the fallback is read, too. Default: 5,000. */
  readonly failoverAfterMs?: number
  /** Milliseconds of staleness up to which it is ready. Default: 15,000. */
  readonly maxStalenessMs?: number
  /** Milliseconds that the clock of the issuer may be ahead. Default: 2,000. */
  readonly allowedSkewMs?: number
  /** Milliseconds before reconnecting: after the first failure, and at most. Default: 100 and 5,000. */
  readonly backoffMs?: { readonly first: number; readonly longest: number }
}

/** The state of a follower. */
export interface FeedHealth {
  /** Whether it has caught up and is fresh now. */
  readonly isReady: boolean
  /** Whether it has ever caught up. */
  readonly isCaughtUp: boolean
  /** Milliseconds; infinite before the first heartbeat. */
  readonly stalenessMs: number
  /** The position of the log up to which everything is known. */
  readonly through: LogPosition | undefined
  /** The source of the latest new heartbeat. */
  readonly source: string | undefined
  readonly entries: number
  /** Revocations that were received, new or not. */
  readonly applied: number
  /** Messages that were skipped, since they are no statements of the issuer. */
  readonly refused: number
  /** Events of types that are not known here, from a newer issuer. */
  readonly unknown: number
  readonly lastError: string | undefined
}

export interface RevocationFollower {
  /**
   * Resolves when it is ready.
   *
   * @throws the reason of the signal, or an error if it is closed first.
   */
  ready(signal?: AbortSignal): Promise<void>
  health(): FeedHealth
  /** The same as in `health`, and cheap: it is called for each token. */
  stalenessMs(): number
  /** Stops at once; waits up to two seconds for the sources to clean up. */
  close(): Promise<void>
}
