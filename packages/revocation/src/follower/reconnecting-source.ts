import { pause } from '../time/index.ts'
import type { LogPosition } from '../statement/index.ts'
import { followOnce, type Listener, type Opening } from './source-connection.ts'

/** A source that is begun again whenever it breaks, from where it was. */
export interface KeptFollowing {
  /** Begins, unless it is under way. */
  start(): void
  /** Gives up what is under way; it can be started again and then goes on from where it was. */
  stop(): void
  /**
   * Forgets where it was, and what is known from elsewhere: what comes next is from the beginning or a snapshot, now if it is
   * under way.
   */
  startOver(): void
}

export interface KeepFollowing extends Pick<Opening, 'source' | 'open' | 'silenceMs' | 'ending' | 'clock'> {
  readonly listener: Omit<Listener, 'passed'>
  /** Up to where everything is known, from whatever source. */
  readonly after: () => LogPosition | undefined
  readonly backoffMs: { readonly first: number; readonly longest: number }
  /** From 0 to 1. */
  readonly random: () => number
  /** Hears why an opening ended, and of what is wrong with one that goes on. */
  readonly trouble: (error: unknown) => void
}

/** Follows a source over any number of openings, with longer pauses between those that never catch up. */
export function keepFollowing(options: KeepFollowing): KeptFollowing {
  const { source, open, silenceMs, ending, clock, listener, after, backoffMs, random, trouble } = options
  let cursor: string | undefined
  let isStartingOver = false
  let failures = 0
  let underWay: AbortController | undefined
  let opening: AbortController | undefined

  const hearing: Listener = {
    ...listener,
    vouched(by) {
      const isCaughtUp = listener.vouched(by)
      isStartingOver = false
      if (isCaughtUp) failures = 0
      return isCaughtUp
    },
    passed(reached) {
      cursor = reached
    },
  }

  /** Half of it is left to chance. */
  function nextPause(): number {
    const ms = Math.min(backoffMs.first * 2 ** failures, backoffMs.longest)
    failures += 1
    return (ms * (1 + random())) / 2
  }

  async function once(signal: AbortSignal): Promise<void> {
    const { signal: given, ...controller } = openingOf(signal)
    opening = controller.opening
    try {
      await followOnce({
        source,
        from: { cursor, after: isStartingOver ? undefined : after() },
        open,
        silenceMs,
        signal: given,
        listener: hearing,
        trouble,
        ending,
        clock,
      })
      if (!signal.aborted) trouble(new Error('the source ended'))
    } catch (error) {
      if (!signal.aborted) trouble(error)
    } finally {
      controller.unlink()
    }
  }

  async function again(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await once(signal)
      if (!signal.aborted) await pause(nextPause(), signal)
    }
  }

  return {
    start() {
      if (underWay !== undefined) return
      underWay = new AbortController()
      void again(underWay.signal)
    },
    stop() {
      underWay?.abort(new Error('the source is not followed any more'))
      underWay = undefined
    },
    startOver() {
      cursor = undefined
      isStartingOver = true
      opening?.abort(new Error('the source is read from its beginning'))
    },
  }
}

/** An abort of one opening, which the abort of all is one of too. */
function openingOf(all: AbortSignal) {
  const opening = new AbortController()
  const abort = () => opening.abort(all.reason)
  if (all.aborted) abort()
  all.addEventListener('abort', abort, { once: true })
  return { opening, signal: opening.signal, unlink: () => all.removeEventListener('abort', abort) }
}
