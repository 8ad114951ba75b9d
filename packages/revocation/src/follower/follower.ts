import type { Clock } from '../time/index.ts'
import type { RevocationSource } from '../feed/index.ts'
import type { Ended, FindKey, LogPosition, Notice } from '../statement/index.ts'
import type { RevocationIndex } from '../revocation-index/index.ts'

export interface FollowRevocations {
  /** Where revocations come from, and where else while nothing fresh comes from there. */
  readonly sources: readonly [primary: RevocationSource, fallback?: RevocationSource | undefined]
  readonly issuer: string
  readonly keyFor: FindKey
  /** Takes in everything that ends; its clock is its own. */
  readonly index: RevocationIndex
  readonly clock?: Clock
  /** From 0 to 1: keeps a thousand followers from beginning again at the same moment. */
  readonly random?: () => number
  /** Hears of everything that ended and was news; without a notice when it comes from a snapshot. */
  readonly onEnded?: (ended: Ended, notice: Notice | undefined) => void
  /** Hears of everything that went wrong: an `InvalidStatement` that was passed over, or why an opening ended. */
  readonly onTrouble?: (error: unknown, source: string) => void
  /** Milliseconds without a newer heartbeat after which an opening is given up. */
  readonly silenceMs?: number
  /** Milliseconds without anything as fresh as that from the primary after which the fallback runs beside it. */
  readonly failoverAfterMs?: number
  /** Milliseconds of staleness up to which it is ready. */
  readonly maxStalenessMs?: number
  /** Milliseconds that the issuer's clock may be ahead. */
  readonly allowedSkewMs?: number
  /** Milliseconds to wait before beginning again: at first, and at most. */
  readonly backoffMs?: { readonly first: number; readonly longest: number }
}

/** How a follower is. */
export interface FeedHealth {
  /** Whether it has caught up and is fresh at this moment. */
  readonly isReady: boolean
  /** Whether it has ever been. */
  readonly isCaughtUp: boolean
  /** Milliseconds; infinite before the first heartbeat. */
  readonly stalenessMs: number
  /** Up to which place of the log everything is known. */
  readonly through: LogPosition | undefined
  /** The source of the latest heartbeat that was news. */
  readonly source: string | undefined
  readonly entries: number
  /** Endings that came, news or not. */
  readonly applied: number
  /** Messages that were no statement of the issuer and were passed over. */
  readonly refused: number
  /** Events of a newer issuer, of types that are not known here. */
  readonly unknown: number
  readonly lastError: string | undefined
}

export interface RevocationFollower {
  /**
   * Resolves when it is ready.
   *
   * @throws the reason of the signal, or an error when it is closed before.
   */
  ready(signal?: AbortSignal): Promise<void>
  health(): FeedHealth
  /** As in its health, and nothing else: whoever checks a token asks each time. */
  stalenessMs(): number
  /** Stops at once; waits a moment for the sources to clean up, and no longer when they hang. */
  close(): Promise<void>
}
