import type { ReadOptions, RecordedEvent } from '@ledgate/eventsourcing'
import { createTwoGenerationCache } from './two-generation-cache.ts'
import { decodeOnce, type Row, weightOf } from './records.ts'

/** The last events of recently used streams. All readers share the same frozen objects, so that JSON is parsed once. */
export interface TailCache {
  /** The result of a read, if the cache has all of it. */
  read(stream: string, options: ReadOptions): readonly RecordedEvent[] | undefined
  /** Whether the stream is known to have no event. */
  isAbsent(stream: string): boolean
  /** Adds an append, in commit order. */
  written(stream: string, rows: readonly Row[]): void
  /** Adds the end of a stream after a read, newest first, unless the stream is cached already. */
  wasRead(stream: string, newestFirst: readonly Row[]): void
  /** Notes that a stream was read and has no event. */
  wasAbsent(stream: string): void
}

interface Tail {
  /** Oldest first, without a gap, up to the last acknowledged event. */
  readonly rows: readonly Row[]
  readonly bytes: number
}

const ROWS_PER_STREAM = 16
const BYTES_PER_STREAM = 64 * 1024
/** How many absent streams are remembered; a separate limit, so that requests with invented names evict no stream. */
const ABSENT_STREAMS = 2_000

/** @param limit the largest size in bytes. */
export function createTailCache(limit: number): TailCache {
  const tails = createTwoGenerationCache<Tail>(limit, ({ bytes }) => bytes)
  const absent = createTwoGenerationCache<boolean>(ABSENT_STREAMS)

  return {
    isAbsent: (stream) => absent.get(stream) === true,

    wasAbsent: (stream) => absent.set(stream, true),

    read(stream, options) {
      const tail = tails.get(stream)
      return tail && select(tail.rows, options)?.map(decodeOnce)
    },

    written(stream, rows) {
      if (absent.get(stream)) absent.set(stream, false)
      const known = tails.get(stream)?.rows ?? []
      const last = known.at(-1)?.[2]
      const first = rows[0]?.[2] ?? 0
      if (last !== undefined && first <= last) return
      tails.set(stream, trimmed(last === first - 1 ? [...known, ...rows] : rows))
    },

    wasRead(stream, newestFirst) {
      if (newestFirst.length > 0 && tails.get(stream) === undefined)
        tails.set(stream, trimmed(newestFirst.toReversed()))
    },
  }
}

/** The newest rows that fit, at least one. */
function trimmed(rows: readonly Row[]): Tail {
  let bytes = 0
  let first = rows.length
  while (first > 0 && rows.length - first < ROWS_PER_STREAM) {
    const size = weightOf(rows[first - 1])
    if (first < rows.length && bytes + size > BYTES_PER_STREAM) break
    bytes += size
    first -= 1
  }
  return { rows: rows.slice(first), bytes }
}

/** The rows of a read; `undefined` when it may reach before the oldest cached row. */
function select(
  rows: readonly Row[],
  { direction = 'forwards', from, max = Infinity }: ReadOptions,
): readonly Row[] | undefined {
  const oldest = rows[0]?.[2] ?? 0
  if (direction === 'forwards') {
    const start = Number(from ?? 0n) - oldest
    return start < 0 ? undefined : rows.slice(start, start + max)
  }
  const end = from === undefined ? rows.length : Math.min(rows.length, Number(from) - oldest + 1)
  if (oldest > 0 && end < max) return undefined
  return rows.slice(Math.max(0, end - max), Math.max(0, end)).toReversed()
}
