import { pause, systemClock } from '../time/index.ts'
import { contiguity } from './contiguity.ts'
import { BrokenFeed } from './snapshot-coverage.ts'
import { FAILOVER_AFTER_MS, MAX_STALENESS_MS, type RevocationSource, SILENCE_MS } from '../feed/index.ts'
import type { FollowRevocations, RevocationFollower } from './follower.ts'
import { freshness } from './freshness.ts'
import { keepFollowing, type KeptFollowing } from './reconnecting-source.ts'
import { type Ended, type Heartbeat, type Notice, openStatements, type SnapshotChunk } from '../statement/index.ts'
import { place } from './known-position.ts'

/** Of the wall clock. */
const A_TICK_MS = 1
const SWEEP_EVERY_MS = 60_000
const CLOSE_MS = 2_000

/**
 * Keeps an index at the end of a feed, over any number of broken, silent and ended openings of its sources. A message that is
 * no statement of the issuer changes nothing and delays nothing; what is not known to be one or not stops its opening, so
 * that a heartbeat never vouches for a notice that was not taken in.
 */
export function followRevocations(options: FollowRevocations): RevocationFollower {
  const { sources, index, clock = systemClock, random = Math.random } = options
  const { silenceMs = SILENCE_MS, failoverAfterMs = FAILOVER_AFTER_MS, maxStalenessMs = MAX_STALENESS_MS } = options
  const { allowedSkewMs = 2_000 } = options
  const { backoffMs = { first: 100, longest: 5_000 } } = options
  const { open } = openStatements(options)
  const fresh = freshness({ clock, allowedSkewMs })
  const known = place()
  const chain = contiguity()
  const count = { applied: 0, refused: 0, unknown: 0 }
  const waiting = new Set<() => void>()
  const endings = new Set<Promise<unknown>>()
  const closed = new AbortController()
  const startedAt = clock.monotonic()
  let isCaughtUp = false
  let freshSource: string | undefined
  let lastError: string | undefined
  let sweptAt = clock.monotonic()

  const isReady = () => isCaughtUp && fresh.stalenessMs() <= maxStalenessMs

  function trouble(error: unknown, source: string): void {
    lastError = error instanceof Error ? error.message : String(error)
    try {
      options.onTrouble?.(error, source)
    } catch {
      // Whoever listens must not be able to stop the feed.
    }
  }

  function ended(each: Ended, notice: Notice | undefined, source: string): void {
    count.applied += 1
    if (notice !== undefined) chain.notice(notice)
    if (!index.apply(each)) return
    try {
      options.onEnded?.(each, notice)
    } catch (error) {
      trouble(error, source)
    }
  }

  function sweepNowAndThen(): void {
    if (clock.monotonic() - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = clock.monotonic()
    index.expire()
  }

  /** The first time by a heartbeat of after the start: an older one stands before what was told since, and is in the backlog. */
  function caughtUp(age: number): void {
    if (fresh.stalenessMs() > maxStalenessMs) return
    if (!isCaughtUp && age > clock.monotonic() - startedAt + A_TICK_MS) return
    isCaughtUp = true
    for (const wake of [...waiting]) wake()
  }

  /** Whether a heartbeat is as fresh as one of a source that is well. */
  function vouched(by: Heartbeat | SnapshotChunk, source: string, startOver: () => void): boolean {
    const age = clock.wall() - by.at
    if (age < -allowedSkewMs) {
      trouble(new Error(`a heartbeat from ${-age} ms ahead`), source)
      return false
    }
    if (by.kind === 'chunk') chain.whole(by.through)
    else if (!chain.heartbeat(by)) {
      startOver()
      throw new BrokenFeed(`the notice at ${by.predecessor} did not come`)
    }
    if (!known.reached(by)) {
      chain.reset()
      for (const each of followed) each.startOver()
      throw new BrokenFeed('the log is another one')
    }
    if (fresh.heard(by)) freshSource = source
    sweepNowAndThen()
    caughtUp(age)
    return age <= failoverAfterMs
  }

  /** Whether a heartbeat that vouches for nothing is one of now. */
  function unvouched(heartbeat: Heartbeat, source: string): boolean {
    // What its issuer signed of the notices before it is true wherever it stands; one of before says nothing of them.
    if (heartbeat.predecessor !== undefined) chain.heartbeat(heartbeat)
    const age = clock.wall() - heartbeat.at
    const isOfNow = age >= -allowedSkewMs && age <= failoverAfterMs
    if (isOfNow) trouble(new Error('a heartbeat of now vouches for nothing: something before it is not there'), source)
    return isOfNow
  }

  function followingOf(source: RevocationSource, whenFresh: () => void): KeptFollowing {
    const kept: KeptFollowing = keepFollowing({
      source,
      open,
      silenceMs,
      clock,
      backoffMs,
      random,
      after: () => known.through,
      trouble: (error) => trouble(error, source.name),
      ending(end) {
        endings.add(end)
        void end.finally(() => endings.delete(end))
      },
      listener: {
        ended: (each, notice) => ended(each, notice, source.name),
        vouched(by) {
          const isFresh = vouched(by, source.name, () => kept.startOver())
          if (isFresh) whenFresh()
          return isFresh
        },
        unvouched: (heartbeat) => unvouched(heartbeat, source.name),
        refused(error) {
          count.refused += 1
          trouble(error, source.name)
        },
        unknown({ link }) {
          count.unknown += 1
          if (link !== undefined) chain.notice(link)
        },
      },
    })
    return kept
  }

  const [first, second] = sources
  const fallback = second === undefined ? undefined : followingOf(second, () => undefined)
  const failover = setTimeout(() => fallback?.start(), failoverAfterMs)
  const primary = followingOf(first, () => {
    failover.refresh()
    fallback?.stop()
  })
  const followed = fallback === undefined ? [primary] : [primary, fallback]
  primary.start()

  return {
    ready: (signal) =>
      new Promise((resolve, reject) => {
        const abandoned = signal === undefined ? closed.signal : AbortSignal.any([signal, closed.signal])
        const settle = () => {
          waiting.delete(wake)
          abandoned.removeEventListener('abort', abandon)
        }
        const wake = () => {
          settle()
          resolve()
        }
        const abandon = () => {
          settle()
          reject(abandoned.reason)
        }
        if (abandoned.aborted) abandon()
        else if (isReady()) wake()
        else {
          waiting.add(wake)
          abandoned.addEventListener('abort', abandon)
        }
      }),

    health: () => ({
      isReady: isReady(),
      isCaughtUp,
      stalenessMs: fresh.stalenessMs(),
      through: known.through,
      source: freshSource,
      entries: index.size,
      ...count,
      lastError,
    }),

    stalenessMs: fresh.stalenessMs,

    async close() {
      closed.abort(new Error('the follower is closed'))
      clearTimeout(failover)
      for (const each of followed) each.stop()
      const moment = new AbortController()
      await Promise.race([Promise.all(endings), pause(CLOSE_MS, moment.signal)])
      moment.abort()
    },
  }
}
