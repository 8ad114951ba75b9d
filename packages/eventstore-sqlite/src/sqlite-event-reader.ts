import { setTimeout as pause } from 'node:timers/promises'
import {
  followPages,
  keptPosition,
  START,
  createWakeup,
  Unavailable,
  type EventStore,
  type Position,
} from '@ledgate/eventsourcing'
import { openLogReader } from './log-reader.ts'
import { decodeRow, parsePosition } from './records.ts'

export interface SqliteEventReaderOptions {
  readonly file: string
  /** Milliseconds between two polls of a waiting subscription; default: 100. */
  readonly pollMs?: number
}

/** A read-only event store, for another thread or process. */
export interface SqliteEventReader extends Omit<EventStore, 'append'> {
  /** Lets waiting subscriptions read now, because the writer has committed. */
  wake(): void
}

const DEFAULT_POLL_MS = 100

/**
 * Opens an existing event store for reading, while its writer runs or not.
 *
 * @throws {Unavailable} when there is no event store in the file, or it cannot be read.
 */
export async function openSqliteEventReader(options: SqliteEventReaderOptions): Promise<SqliteEventReader> {
  const reader = openLogReader(options.file)
  const pollMs = options.pollMs ?? DEFAULT_POLL_MS
  const growth = createWakeup()
  const closed = new AbortController()
  const assertOpen = (): void => {
    if (closed.signal.aborted) throw new Unavailable('the event store is closed')
  }
  const more = async (after: Position, ended: AbortSignal): Promise<void> => {
    while (!ended.aborted && reader.head() <= after) await napUntil(growth.sleep, pollMs, ended)
  }
  return {
    async read(stream, readOptions) {
      assertOpen()
      return reader.rows(stream, readOptions).map(decodeRow)
    },
    async *readAll(readOptions) {
      assertOpen()
      yield* reader.readAll(readOptions)
    },
    async *subscribe({ signal, ...from } = {}) {
      keptPosition({ parsePosition }, from.after ?? START)
      const ended = signal ? AbortSignal.any([signal, closed.signal]) : closed.signal
      yield* followPages({ page: reader.page, more }, from, ended)
    },
    parsePosition,
    async head() {
      assertOpen()
      return reader.head()
    },
    wake: growth.wake,
    async close() {
      if (closed.signal.aborted) return
      closed.abort()
      reader.close()
    },
  }
}

/** Sleeps until woken, at most so many milliseconds. */
async function napUntil(sleep: (signal: AbortSignal) => Promise<void>, ms: number, ended: AbortSignal): Promise<void> {
  const up = new AbortController()
  const signal = AbortSignal.any([ended, up.signal])
  const alarm = pause(ms, undefined, { signal }).catch(() => undefined)
  await Promise.race([sleep(signal), alarm])
  up.abort()
}
