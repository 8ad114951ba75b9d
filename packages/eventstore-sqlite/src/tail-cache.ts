import type { RecordedEvent } from '@ledgate/eventsourcing'

/** How many last events of a stream are kept: a decision reads one or two. */
const TAIL = 4
/** Streams, not bytes: an event is at most 64 KiB, and one that decides is about one. */
const STREAMS = 20_000

/**
 * The ends of streams that were used lately. Exact, because the process that keeps it is the only writer: every
 * acknowledged append passes by here, in the order of the log.
 */
export interface TailCache {
  /** The last events, newest first; `undefined` when that many are not known here. */
  last(stream: string, max: number): readonly RecordedEvent[] | undefined
  /** An append was acknowledged. */
  appended(stream: string, events: readonly RecordedEvent[]): void
  /** The end of a stream was read from the disk, newest first. */
  wasRead(stream: string, newestFirst: readonly RecordedEvent[]): void
}

/** An empty cache. */
export function tailCache(): TailCache {
  const tails = new Map<string, readonly RecordedEvent[]>() // newest first

  function keep(stream: string, newestFirst: readonly RecordedEvent[]): void {
    tails.delete(stream) // moves it to the young end
    tails.set(stream, newestFirst.slice(0, TAIL))
    if (tails.size <= STREAMS) return
    for (const oldest of tails.keys()) {
      tails.delete(oldest)
      return
    }
  }

  return {
    last(stream, max) {
      const tail = tails.get(stream)
      if (tail === undefined) return undefined
      const whole = tail.length >= max || tail.at(-1)?.revision === 0n
      return whole ? tail.slice(0, max) : undefined
    },

    appended(stream, events) {
      const known = tails.get(stream) ?? []
      const newest = known[0]?.revision ?? -1n
      const added = events.filter(({ revision }) => revision > newest).reverse()
      if (added.length === 0) return
      const adjoins = (added.at(-1)?.revision ?? 0n) === newest + 1n
      keep(stream, adjoins ? [...added, ...known] : added)
    },

    wasRead(stream, newestFirst) {
      const known = tails.get(stream)?.[0]?.revision ?? -1n
      if ((newestFirst[0]?.revision ?? -1n) >= known) keep(stream, newestFirst)
    },
  }
}
