import {
  firstKept,
  isKept,
  isMetastream,
  isSoftDeleted,
  metastreamOf,
  originalOf,
  streamMetadata,
  type StreamMetadata,
} from './stream-metadata.ts'
import { DELETED, type ProposedEvent, type StoredEvent } from './stored-event.ts'

/** What is written at once: an event, or something that no reader sees: an epoch, an append without events. */
export interface LogRecord {
  readonly event: StoredEvent | undefined
  /** How often the cluster had elected somebody when it was written. */
  readonly epoch: number
}

/** The log of one node, and its index. Nodes share their records, so that what is the same is identical. */
export interface TransactionLog {
  readonly records: readonly LogRecord[]
  /** An event that is not written yet, for the next record. */
  next(stream: string, proposed: ProposedEvent, revision?: number): StoredEvent
  add(record: LogRecord): void
  /** Cuts off everything from a record on. */
  truncate(length: number): void
  /** Forgets which ids were written lately, as a process does that ends. */
  forgetRecent(): void
  /** What was written with an id lately, to whatever stream: the first time, if it was more than once (BoundedCache.cs, PutRecord). */
  recent(id: string): StoredEvent | undefined
  /** The last event of a stream within so many records, whether readers see it or not. */
  last(stream: string, limit?: number): StoredEvent | undefined
  at(stream: string, revision: number): StoredEvent | undefined
  metadata(stream: string, limit?: number): StreamMetadata
  /** Every event of a stream within so many records, oldest first, those included that readers do not see. */
  events(stream: string, limit?: number): readonly StoredEvent[]
  streams(): Iterable<string>
}

export function transactionLog(): TransactionLog {
  let records: LogRecord[] = []
  let streams = new Map<string, StoredEvent[]>()
  const recent = new Map<string, StoredEvent>()

  function add(record: LogRecord): void {
    records.push(record)
    const { event } = record
    if (event === undefined) return
    const own = streams.get(event.stream)
    if (own) own.push(event)
    else streams.set(event.stream, [event])
    if (!recent.has(event.id)) recent.set(event.id, event)
  }

  const last = (stream: string, limit = Infinity): StoredEvent | undefined =>
    streams.get(stream)?.findLast(({ index }) => index < limit)

  return {
    get records() {
      return records
    },
    next: (stream, proposed, revision = (last(stream)?.revision ?? -1) + 1) => ({
      ...proposed,
      stream,
      revision,
      index: records.length,
      created: Date.now(),
    }),
    add,
    truncate(length) {
      const kept = records.slice(0, length)
      records = []
      streams = new Map()
      recent.clear()
      kept.forEach(add)
    },
    forgetRecent: () => recent.clear(),
    recent: (id) => recent.get(id),
    last,
    at: (stream, revision) => streams.get(stream)?.[revision],
    metadata: (stream, limit) => streamMetadata(stream, last(metastreamOf(stream), limit)),
    events(stream, limit = Infinity) {
      const own = streams.get(stream) ?? []
      const whole = own.at(-1)
      return whole === undefined || whole.index < limit ? own : own.filter(({ index }) => index < limit)
    },
    streams: () => streams.keys(),
  }
}

/**
 * What readers of a stream see (IndexReader.cs): events, `undefined` when there is no stream, or that it has a tombstone, as
 * the metadata of such a stream has, too.
 */
export function readersSee(
  log: TransactionLog,
  stream: string,
  limit: number,
  gone: ReadonlySet<StoredEvent>,
): readonly StoredEvent[] | undefined | 'tombstone' {
  if (hasTombstone(log, stream, limit)) return 'tombstone'
  const last = log.last(stream, limit)
  if (last === undefined) return undefined
  const metadata = log.metadata(stream, limit)
  if (isSoftDeleted(metadata)) return undefined
  const events = log.events(stream, limit).slice(Math.max(0, firstKept(last.revision, metadata)))
  if (gone.size === 0 && metadata.maxAge === Infinity) return events
  const now = Date.now()
  return events.filter((event) => isKept(event, last.revision, metadata, now) && !gone.has(event))
}

export const hasTombstone = (log: TransactionLog, stream: string, limit?: number): boolean =>
  log.last(isMetastream(stream) ? originalOf(stream) : stream, limit)?.revision === DELETED
