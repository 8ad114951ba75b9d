import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  Conflict,
  encodeAppend,
  expectationNumber,
  followPages,
  keptPosition,
  START,
  StreamNotFound,
  Unavailable,
  type AppendResult,
  type EventStore,
  type Position,
  type ReadOptions,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import { openCommitQueue, type CommitQueue } from './commit-queue.ts'
import { createFollowers, type Followers } from './followers.ts'
import type { Counters, Health } from './health.ts'
import { openLogReader, type LogReader } from './log-reader.ts'
import type { AppendOutcome } from './messages.ts'
import { decodeRow, parsePosition, positionOf, type Row, rowsOf } from './records.ts'
import { createTailCache, type TailCache } from './tail-cache.ts'
import { lockForWriting, type WriterLock } from './writer-lock.ts'

export interface SqliteEventStoreOptions {
  /** The database file; it and its folder are created if needed. */
  readonly file: string
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
  /** How many appends may wait for the disk before further ones are refused; default: 10,000. */
  readonly maxQueued?: number
  /** Size of the cache for the ends of recently used streams, in bytes; default: 32 MiB. */
  readonly tailCacheBytes?: number
}

/** The embedded event store, with its functions for operators. */
export interface SqliteEventStore extends EventStore {
  /** Whether it accepts appends. After a full disk or an I/O error it accepts none until it is reopened. */
  health(): Health
  counters(): Counters
  /** Calls the listener with the head after each commit that wrote events; the returned function ends that. */
  onAdvance(listener: (head: Position) => void): () => void
  /** A read barrier: the position of the end of the log, to which every subscription advances at once, whatever its filter. */
  readBarrier(): Promise<Position>
}

const DEFAULT_MAX_QUEUED = 10_000
const DEFAULT_TAIL_CACHE_BYTES = 32 * 1024 * 1024

/**
 * Opens the event store in a file as its only writer. Appends are on disk before they resolve; concurrent ones share one
 * transaction. Reads see every append that has resolved.
 *
 * @throws {Unavailable} when another process writes it, or it cannot be opened.
 */
export async function openSqliteEventStore(options: SqliteEventStoreOptions): Promise<SqliteEventStore> {
  const file = resolve(options.file)
  makeFolder(dirname(file))
  const lock = lockForWriting(file)
  try {
    return await openLocked(file, lock, options)
  } catch (error) {
    lock.release()
    throw error
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.W_OK | constants.X_OK) // SQLite creates and deletes files beside the log
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Unavailable(`${folder} cannot be created or written: ${reason}`, { cause: error })
  }
}

async function openLocked(file: string, lock: WriterLock, options: SqliteEventStoreOptions): Promise<SqliteEventStore> {
  const cache = createTailCache(options.tailCacheBytes ?? DEFAULT_TAIL_CACHE_BYTES)
  const listeners = new Set<(head: Position) => void>()
  let head = 0
  let following: Followers | undefined
  const queue = await openCommitQueue({
    file,
    maxQueued: options.maxQueued ?? DEFAULT_MAX_QUEUED,
    written(request, { revision, position }) {
      const rows = rowsOf({ ...request, revision, position })
      cache.written(request.stream, rows)
      head = position
      following?.written(rows)
    },
    committed() {
      following?.committed()
      for (const listener of listeners) listener(positionOf(head))
    },
  })
  const reader = openLogReader(file)
  const follow = (following = createFollowers(reader))
  const close = closing({ queue, reader, lock })
  const reading = readingFrom(reader, cache, close.signal)
  const clock = options.clock ?? Date.now

  return {
    ...reading,
    async append(stream, events, { expected }) {
      const encoded = encodeAppend(stream, events)
      const request = { stream, expected: expectationNumber(expected), created: clock(), events: encoded }
      return resultOf(stream, await queue.append(request))
    },
    async *subscribe({ signal, ...from } = {}) {
      keptPosition({ parsePosition }, from.after ?? START)
      const until = signal ? AbortSignal.any([signal, close.signal]) : close.signal
      yield* followPages(follow.log(from.filter), from, until)
    },
    health: () => queue.health(),
    counters: () => queue.counters(),
    onAdvance(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async readBarrier() {
      const position = await reading.head()
      follow.rouse()
      return position
    },
    close: close.now,
  }
}

function resultOf(stream: string, { kind, revision, position }: AppendOutcome): AppendResult {
  if (kind === 'conflict') throw new Conflict(stream, revision < 0 ? 'noStream' : BigInt(revision))
  return { revision: BigInt(revision), position: positionOf(position) }
}

/** Closes in order: appends first, then reads and subscriptions, then the writer lock. */
function closing(parts: { queue: CommitQueue; reader: LogReader; lock: WriterLock }) {
  const closed = new AbortController()
  let closing: Promise<void> | undefined
  const end = async (): Promise<void> => {
    await parts.queue.close()
    closed.abort()
    parts.reader.close()
    parts.lock.release()
  }
  return { signal: closed.signal, now: () => (closing ??= end()) }
}

function readingFrom(reader: LogReader, cache: TailCache, closed: AbortSignal) {
  const assertOpen = (): void => {
    if (closed.aborted) throw new Unavailable('the event store is closed')
  }

  function rowsOrAbsent(stream: string, options: ReadOptions): readonly Row[] {
    if (cache.isAbsent(stream)) throw new StreamNotFound(stream)
    try {
      return reader.rows(stream, options)
    } catch (error) {
      if (error instanceof StreamNotFound) cache.wasAbsent(stream)
      throw error
    }
  }

  return {
    async read(stream: string, options: ReadOptions = {}): Promise<readonly RecordedEvent[]> {
      assertOpen()
      const known = cache.read(stream, options)
      if (known !== undefined) return known
      const rows = rowsOrAbsent(stream, options)
      if (options.direction === 'backwards' && options.from === undefined) cache.wasRead(stream, rows)
      return rows.map(decodeRow)
    },
    async *readAll(options?: Parameters<LogReader['readAll']>[0]) {
      assertOpen()
      yield* reader.readAll(options)
    },
    async head(): Promise<Position> {
      assertOpen()
      return reader.head()
    },
    parsePosition,
  }
}
