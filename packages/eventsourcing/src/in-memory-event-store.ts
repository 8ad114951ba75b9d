import { encodeAppend, type EncodedEvent } from './encoding.ts'
import { Conflict, StreamNotFound, Unavailable } from './errors.ts'
import type { RecordedEvent } from './event.ts'
import type { AppendResult, EventFilter, EventStore, ReadAllOptions, ReadOptions } from './event-store.ts'
import { expectationNumber, checkExpectation } from './expectation.ts'
import { followPages, createWakeup, type Page } from './follow.ts'
import { keptPosition, type Position, positionParser, START } from './position.ts'
import { matchesFilter } from './stream-name.ts'

export interface InMemoryEventStoreOptions {
  /** Milliseconds since the epoch. */
  readonly clock?: () => number
}

const PAGE_SIZE = 128

/** An event store in memory, with all guarantees of the port but durability. */
export function inMemoryEventStore(options: InMemoryEventStoreOptions = {}): EventStore {
  const log = memoryLog(options.clock ?? Date.now)
  const closed = new AbortController()
  const assertOpen = () => {
    if (closed.signal.aborted) throw new Unavailable('the store is closed')
  }
  return {
    async append(stream, events, { expected }) {
      const encoded = encodeAppend(stream, events)
      const expectation = expectationNumber(expected)
      assertOpen()
      return log.append(stream, encoded, expectation)
    },
    async read(stream, readOptions) {
      assertOpen()
      return log.read(stream, readOptions)
    },
    async *readAll(readOptions) {
      assertOpen()
      keptPosition({ parsePosition }, readOptions?.after ?? START)
      yield* log.readAll(readOptions)
    },
    async *subscribe({ signal, ...from } = {}) {
      keptPosition({ parsePosition }, from.after ?? START)
      yield* followPages(log, from, signal ? AbortSignal.any([signal, closed.signal]) : closed.signal)
    },
    parsePosition,
    async head() {
      assertOpen()
      return log.head()
    },
    async close() {
      closed.abort()
    },
  }
}

type StoredEvent = EncodedEvent & Pick<RecordedEvent, 'stream' | 'revision' | 'position' | 'created'>

function memoryLog(clock: () => number) {
  const all: StoredEvent[] = []
  const streams = new Map<string, StoredEvent[]>()
  const ids = new Map<string, StoredEvent>()
  const growth = createWakeup()

  const write = (stream: string, events: readonly EncodedEvent[]): AppendResult => {
    const own = streams.get(stream) ?? []
    const created = clock()
    for (const event of events) {
      const stored = { ...event, stream, revision: BigInt(own.length), position: positionAt(all.length), created }
      own.push(stored)
      all.push(stored)
      ids.set(idIn(stream, event.id), stored)
    }
    streams.set(stream, own)
    growth.wake()
    return resultOf(own.at(-1))
  }

  const head = (): Position => all.at(-1)?.position ?? START

  return {
    append(stream: string, events: readonly EncodedEvent[], expected: number): AppendResult {
      const own = streams.get(stream) ?? []
      const verdict = checkExpectation(
        expected,
        events.map(({ id }) => id),
        {
          last: own.length - 1,
          idAt: (revision) => own[revision]?.id,
          recentRevision: (id) => toNumber(ids.get(idIn(stream, id))?.revision),
        },
      )
      if (verdict.kind === 'conflict') throw new Conflict(stream, own.at(-1)?.revision ?? 'noStream')
      return verdict.kind === 'write' ? write(stream, events) : resultOf(own[verdict.revision])
    },

    read(stream: string, { direction = 'forwards', from, max = Infinity }: ReadOptions = {}) {
      const own = streams.get(stream)
      if (own === undefined) throw new StreamNotFound(stream)
      const wanted =
        direction === 'forwards'
          ? own.slice(Number(from ?? 0n))
          : own.slice(0, from === undefined ? undefined : Number(from) + 1).reverse()
      return wanted.slice(0, max).map(decode)
    },

    *readAll({ direction = 'forwards', after, filter, max = Infinity, signal }: ReadAllOptions = {}) {
      const step = direction === 'forwards' ? 1 : -1
      let index = direction === 'forwards' ? indexAfter(after ?? START) : indexBefore(after, all.length)
      for (let left = max; left > 0 && index >= 0 && index < all.length; index += step) {
        if (signal?.aborted) return
        const event = all[index]
        if (event === undefined || !matchesFilter(filter, event)) continue
        left -= 1
        yield decode(event)
      }
    },

    head,

    page(after: Position, filter: EventFilter | undefined): Page {
      const first = indexAfter(after)
      const window = all.slice(first, first + PAGE_SIZE)
      return {
        events: window.filter((event) => matchesFilter(filter, event)).map(decode),
        through: window.at(-1)?.position ?? after,
        atEnd: first + PAGE_SIZE >= all.length,
      }
    },

    more: async (after: Position, signal: AbortSignal) => {
      if (head() <= after) await growth.sleep(signal)
    },
  }
}

const DIGITS = 20
const parsePosition = positionParser((text) => /^\d{20}$/.test(text) && Number(text) > 0)
const positionAt = (index: number) => parsePosition(String(index + 1).padStart(DIGITS, '0'))
const indexAfter = (position: Position): number => Number(position)
const indexBefore = (position: Position | undefined, length: number): number =>
  Math.min(length + 1, position === undefined ? Infinity : Number(position)) - 2
const idIn = (stream: string, id: string): string => `${id} ${stream}`
const toNumber = (revision: bigint | undefined): number | undefined =>
  revision === undefined ? undefined : Number(revision)

function resultOf(event: StoredEvent | undefined): AppendResult {
  if (event === undefined) throw new Error('an append must contain an event')
  return { revision: event.revision, position: event.position }
}

function decode({ data, metadata, ...event }: StoredEvent): RecordedEvent {
  return { ...event, data: JSON.parse(data), metadata: JSON.parse(metadata) }
}
