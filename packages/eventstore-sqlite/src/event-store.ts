import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import {
  Conflict,
  encodeAppend,
  type EncodedEvent,
  type EventStore,
  expectationNumber,
  followPages,
  type RecordedEvent,
  Unavailable,
  wakeup,
} from '@ledgate/eventsourcing'
import type { Settled } from './writing.ts'
import { type Reading, openReading } from './reading.ts'
import { positionOf } from './rows.ts'
import { tailCache } from './tail-cache.ts'
import { startWriting, type WriterFacts } from './writing.ts'

export interface SqliteEventStoreOptions {
  /** The database; its folder is made when it is not there. Beside it lies `<file>.lock`. */
  readonly file: string
}

/** An event store in one file, and what its operator wants to know of it. */
export interface SqliteEventStore extends EventStore {
  /** Why it takes no more appends; `undefined` while it does. Reading goes on either way. */
  failure(): string | undefined
  facts(): WriterFacts
}

const MAX_KEPT_READ = 4

/** The events of an append as a reader would see them. */
function recorded(
  stream: string,
  events: readonly EncodedEvent[],
  answer: Extract<Settled, { kind: 'written' }>,
): RecordedEvent[] {
  const first = answer.revision - events.length + 1
  const firstRow = answer.position - events.length + 1
  return events.map(({ id, type, data, metadata }, index) => ({
    id,
    type,
    data: JSON.parse(data),
    metadata: JSON.parse(metadata),
    stream,
    revision: BigInt(first + index),
    position: positionOf(firstRow + index),
    created: answer.created,
  }))
}

/**
 * Opens the event store for this process alone.
 *
 * @throws {Error} when another process writes to it, the folder cannot be written, or SQLite is too old.
 */
export async function openSqliteEventStore({ file }: SqliteEventStoreOptions): Promise<SqliteEventStore> {
  mkdirSync(dirname(file), { recursive: true })
  const writing = await startWriting({ file, lockFile: `${file}.lock` })
  const reading = openReading(file)
  const tails = tailCache()
  const growth = wakeup()
  const closed = new AbortController()

  const log = {
    page: reading.page,
    more: (after: string, signal: AbortSignal) => (reading.head() > after ? Promise.resolve() : growth.sleep(signal)),
  }

  function assertOpen(): void {
    if (closed.signal.aborted) throw new Unavailable('the event store is closed')
  }

  return {
    async append(stream, events, { expected }) {
      const encoded = encodeAppend(stream, events)
      const answer = await writing.append(stream, encoded, expectationNumber(expected))
      if (answer.kind === 'conflict') throw new Conflict(stream, answer.actual < 0 ? 'noStream' : BigInt(answer.actual))
      if (answer.kind === 'written') {
        tails.appended(stream, recorded(stream, encoded, answer))
        growth.wake()
      }
      return { revision: BigInt(answer.revision), position: positionOf(answer.position) }
    },

    async read(stream, options = {}) {
      assertOpen()
      const { direction, from, max } = options
      const isEnd = direction === 'backwards' && from === undefined && max !== undefined && max <= MAX_KEPT_READ
      const kept = isEnd ? tails.last(stream, max) : undefined
      if (kept !== undefined) return kept
      const events = reading.stream(stream, options)
      if (isEnd) tails.wasRead(stream, events)
      return events
    },

    async *readAll(options) {
      assertOpen()
      yield* reading.all(options)
    },

    subscribe({ signal, ...from } = {}) {
      return followPages(log, from, signal ? AbortSignal.any([signal, closed.signal]) : closed.signal)
    },

    async head() {
      assertOpen()
      return reading.head()
    },

    failure: writing.failure,
    facts: writing.facts,

    async close() {
      await writing.close()
      if (closed.signal.aborted) return
      closed.abort()
      reading.close()
    },
  }
}

/** A log that another thread or process writes: for reading only. */
export interface SqliteEventReader extends Pick<EventStore, 'read' | 'readAll' | 'subscribe' | 'head' | 'close'> {
  /** Something may have been appended: look now rather than at the next look. */
  notify(): void
}

/** How often a reader looks by itself whether there is more. */
const LOOK_MS = 25

/**
 * Opens the log for reading beside its writer.
 *
 * @throws {Error} when there is no log yet.
 */
export function openSqliteEventReader({ file }: SqliteEventStoreOptions): SqliteEventReader {
  const reading: Reading = openReading(file)
  const growth = wakeup()
  const closed = new AbortController()
  const looks = setInterval(growth.wake, LOOK_MS)
  looks.unref()

  async function more(after: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && reading.head() <= after) await growth.sleep(signal)
  }

  return {
    read: async (stream, options) => reading.stream(stream, options),
    async *readAll(options) {
      yield* reading.all(options)
    },
    subscribe({ signal, ...from } = {}) {
      return followPages(
        { page: reading.page, more },
        from,
        signal ? AbortSignal.any([signal, closed.signal]) : closed.signal,
      )
    },
    head: async () => reading.head(),
    notify: growth.wake,
    async close() {
      if (closed.signal.aborted) return
      closed.abort()
      clearInterval(looks)
      reading.close()
    },
  }
}
