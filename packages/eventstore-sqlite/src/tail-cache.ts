import type { ReadOptions, RecordedEvent } from '@ledgate/eventsourcing'
import { generations } from './generations.ts'
import { decodeOnce, type Row, weightOf } from './records.ts'

/** The last events of streams used lately. All readers get the same objects, frozen, so that JSON is parsed once. */
export interface TailCache {
  /** The answer to a read, when the cache can tell it for sure. */
  read(stream: string, options: ReadOptions): readonly RecordedEvent[] | undefined
  /** Whether the stream has surely no event. */
  isAbsent(stream: string): boolean
  /** Takes up what was appended to a stream. Writes come in commit order. */
  written(stream: string, rows: readonly Row[]): void
  /** Takes up the end of a stream as it was read, newest first, when the cache knows nothing of the stream. */
  wasRead(stream: string, newestFirst: readonly Row[]): void
  /** Takes up that a stream was read and has no event. */
  wasAbsent(stream: string): void
}

interface Tail {
  /** Oldest first, without a gap, up to the last event that was acknowledged. */
  readonly rows: readonly Row[]
  readonly bytes: number
}

const ROWS_PER_STREAM = 16
const BYTES_PER_STREAM = 64 * 1024
/** Streams without an event that are remembered, apart from the others: whoever makes names up pushes no stream out. */
const ABSENT_STREAMS = 2_000

/** An empty cache that holds `limit` bytes at most. */
export function tailCache(limit: number): TailCache {
  const tails = generations<Tail>(limit, ({ bytes }) => bytes)
  const absent = generations<boolean>(ABSENT_STREAMS)

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

/** The newest rows that fit; one at least. */
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

/** The rows a read asks for; nothing when they may reach before the oldest row known. */
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
