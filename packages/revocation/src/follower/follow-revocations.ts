import { type RevocationSource, FAILOVER_AFTER_MS, MAX_STALENESS_MS, SILENCE_MS } from '../feed/index.ts'
import {
  type Ended,
  type Heartbeat,
  type InvalidStatement,
  type Notice,
  openStatements,
  type SnapshotChunk,
  type UnknownEvent,
} from '../statement/index.ts'
import { type Clock, pause, systemClock } from '../time/index.ts'
import { contiguity } from './contiguity.ts'
import type { FeedHealth, FollowRevocations, RevocationFollower } from './follower.ts'
import { type Freshness, freshness } from './freshness.ts'
import { knownPosition } from './known-position.ts'
import { ReconnectingSource } from './reconnecting-source.ts'
import { BrokenFeed } from './snapshot-coverage.ts'
import type { ConnectionListener } from './source-connection.ts'
import { Waiters } from './waiters.ts'

/** By how many milliseconds two readings of the wall clock may differ for one moment. */
const CLOCK_TICK_MS = 1
const SWEEP_EVERY_MS = 60_000
const CLOSE_TIMEOUT_MS = 2_000
const ALLOWED_SKEW_MS = 2_000
const BACKOFF_MS = { first: 100, longest: 5_000 }

/**
 * Keeps an index up to date with a feed, over any number of broken, silent and ended connections to its sources. A message that
 * is no statement of the issuer changes nothing and delays nothing. A message that cannot be verified at the moment ends its
 * connection, so that a heartbeat never confirms a notice that was not applied.
 */
export function followRevocations(options: FollowRevocations): RevocationFollower {
  return new FeedFollower(options)
}

class FeedFollower implements RevocationFollower {
  readonly #options: FollowRevocations
  readonly #clock: Clock
  readonly #failoverAfterMs: number
  readonly #maxStalenessMs: number
  readonly #allowedSkewMs: number
  readonly #freshness: Freshness
  readonly #position = knownPosition()
  readonly #contiguity = contiguity()
  readonly #counts = { applied: 0, refused: 0, unknown: 0 }
  readonly #waiters = new Waiters()
  /** The cleanups of sources that are under way. */
  readonly #cleanups = new Set<Promise<unknown>>()
  readonly #closed = new AbortController()
  readonly #startedAt: number
  readonly #primary: ReconnectingSource
  readonly #fallback: ReconnectingSource | undefined
  readonly #failover: NodeJS.Timeout
  #isCaughtUp = false
  #freshSource: string | undefined
  #lastError: string | undefined
  #sweptAt: number

  constructor(options: FollowRevocations) {
    const { sources, clock = systemClock, failoverAfterMs = FAILOVER_AFTER_MS } = options
    this.#options = options
    this.#clock = clock
    this.#failoverAfterMs = failoverAfterMs
    this.#maxStalenessMs = options.maxStalenessMs ?? MAX_STALENESS_MS
    this.#allowedSkewMs = options.allowedSkewMs ?? ALLOWED_SKEW_MS
    this.#freshness = freshness({ clock, allowedSkewMs: this.#allowedSkewMs })
    this.#startedAt = clock.monotonic()
    this.#sweptAt = this.#startedAt
    const [primary, fallback] = sources
    this.#fallback = fallback && this.#follow(fallback, () => undefined)
    this.#failover = setTimeout(() => this.#fallback?.start(), failoverAfterMs)
    this.#primary = this.#follow(primary, () => {
      this.#failover.refresh()
      this.#fallback?.stop()
    })
    this.#primary.start()
  }

  ready(signal?: AbortSignal): Promise<void> {
    const abandoned = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal])
    if (abandoned.aborted) return Promise.reject(abandoned.reason)
    return this.#isReady() ? Promise.resolve() : this.#waiters.wait(abandoned)
  }

  health(): FeedHealth {
    return {
      isReady: this.#isReady(),
      isCaughtUp: this.#isCaughtUp,
      stalenessMs: this.stalenessMs(),
      through: this.#position.through,
      source: this.#freshSource,
      entries: this.#options.index.size,
      ...this.#counts,
      lastError: this.#lastError,
    }
  }

  stalenessMs(): number {
    return this.#freshness.stalenessMs()
  }

  async close(): Promise<void> {
    this.#closed.abort(new Error('the follower is closed'))
    clearTimeout(this.#failover)
    this.#primary.stop()
    this.#fallback?.stop()
    const timeout = new AbortController()
    await Promise.race([Promise.all(this.#cleanups), pause(CLOSE_TIMEOUT_MS, timeout.signal)])
    timeout.abort()
  }

  #isReady(): boolean {
    return this.#isCaughtUp && this.stalenessMs() <= this.#maxStalenessMs
  }

  /** @param whenFresh is called for each confirmation that is as fresh as one of a healthy source. */
  #follow(source: RevocationSource, whenFresh: () => void): ReconnectingSource {
    const { silenceMs = SILENCE_MS, backoffMs = BACKOFF_MS, random = Math.random } = this.#options
    const { open } = openStatements(this.#options)
    const followed: ReconnectingSource = new ReconnectingSource({
      source,
      open,
      silenceMs,
      clock: this.#clock,
      backoffMs,
      random,
      after: () => this.#position.through,
      onTrouble: (error) => this.#reportTrouble(error, source.name),
      onCleanup: (cleanup) => this.#trackCleanup(cleanup),
      listener: this.#listenerOf(source.name, whenFresh, () => followed.startOver()),
    })
    return followed
  }

  #listenerOf(source: string, whenFresh: () => void, startOver: () => void): Omit<ConnectionListener, 'advanced'> {
    return {
      revoked: (ended, notice) => this.#apply(ended, notice, source),
      confirmed: (by) => {
        const isFresh = this.#confirm(by, source, startOver)
        if (isFresh) whenFresh()
        return isFresh
      },
      unconfirmed: (heartbeat) => this.#takeUnconfirmed(heartbeat, source),
      refused: (error) => this.#refuse(error, source),
      unknown: (event) => this.#countUnknown(event),
    }
  }

  #trackCleanup(cleanup: Promise<unknown>): void {
    this.#cleanups.add(cleanup)
    void cleanup.finally(() => this.#cleanups.delete(cleanup))
  }

  #reportTrouble(error: unknown, source: string): void {
    this.#lastError = error instanceof Error ? error.message : String(error)
    try {
      this.#options.onTrouble?.(error, source)
    } catch {
      // A listener that throws must not stop the feed.
    }
  }

  #apply(ended: Ended, notice: Notice | undefined, source: string): void {
    this.#counts.applied += 1
    if (notice !== undefined) this.#contiguity.notice(notice)
    if (!this.#options.index.apply(ended)) return
    try {
      this.#options.onRevoked?.(ended, notice)
    } catch (error) {
      this.#reportTrouble(error, source)
    }
  }

  #refuse(error: InvalidStatement, source: string): void {
    this.#counts.refused += 1
    this.#reportTrouble(error, source)
  }

  #countUnknown({ link }: UnknownEvent): void {
    this.#counts.unknown += 1
    if (link !== undefined) this.#contiguity.notice(link)
  }

  /** @returns whether it is as fresh as a heartbeat of a healthy source. @throws {BrokenFeed} */
  #confirm(by: Heartbeat | SnapshotChunk, source: string, startOver: () => void): boolean {
    const ageMs = this.#clock.wall() - by.at
    if (ageMs < -this.#allowedSkewMs) {
      this.#reportTrouble(new Error(`a heartbeat is ${-ageMs} ms ahead of the clock`), source)
      return false
    }
    this.#requireContiguous(by, startOver)
    this.#requireSameLog(by)
    if (this.#freshness.heard(by)) this.#freshSource = source
    this.#sweepIfDue()
    this.#catchUp(ageMs)
    return ageMs <= this.#failoverAfterMs
  }

  #requireContiguous(by: Heartbeat | SnapshotChunk, startOver: () => void): void {
    if (by.kind === 'chunk') return this.#contiguity.whole(by.through)
    if (this.#contiguity.heartbeat(by)) return
    startOver()
    throw new BrokenFeed(`the notice at position ${by.predecessor} is missing`)
  }

  #requireSameLog(by: Heartbeat | SnapshotChunk): void {
    if (this.#position.reached(by)) return
    this.#contiguity.reset()
    this.#primary.startOver()
    this.#fallback?.startOver()
    throw new BrokenFeed('the log is another one, such as one restored from a backup')
  }

  /** A heartbeat that confirms nothing. @returns whether it is a current one. */
  #takeUnconfirmed(heartbeat: Heartbeat, source: string): boolean {
    // What its issuer signed about the notices before it holds wherever it is; an older issuer does not say it.
    if (heartbeat.predecessor !== undefined) this.#contiguity.heartbeat(heartbeat)
    const ageMs = this.#clock.wall() - heartbeat.at
    const isCurrent = ageMs >= -this.#allowedSkewMs && ageMs <= this.#failoverAfterMs
    if (isCurrent)
      this.#reportTrouble(new Error('a current heartbeat confirms nothing: messages before it are missing'), source)
    return isCurrent
  }

  #sweepIfDue(): void {
    const now = this.#clock.monotonic()
    if (now - this.#sweptAt < SWEEP_EVERY_MS) return
    this.#sweptAt = now
    this.#options.index.expire()
  }

  /** The first time by a heartbeat from after the start: an older one may be followed by notices that are not applied yet. */
  #catchUp(ageMs: number): void {
    if (this.stalenessMs() > this.#maxStalenessMs) return
    if (!this.#isCaughtUp && ageMs > this.#clock.monotonic() - this.#startedAt + CLOCK_TICK_MS) return
    this.#isCaughtUp = true
    this.#waiters.wakeAll()
  }
}
