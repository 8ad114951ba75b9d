import {
  encodeAppend,
  expectationNumber,
  StreamNotFound,
  UnknownOutcome,
  type AppendResult,
  type EventStore,
  type Position,
  type ReadOptions,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import { append, asideEvent, keepLastOnly } from './append.ts'
import { CallMonitor } from './call-monitor.ts'
import { type Connection, openConnection } from './connection.ts'
import { appendDecided } from './deciding-append.ts'
import { type Answer, proved } from './dependence.ts'
import type { Counters, Health } from './health.ts'
import { parsePosition, positionOf } from './position.ts'
import { streamRequest } from './read-request.ts'
import { ask, type FoundOrEnded, readUnproved } from './reading.ts'
import { END_MARKER, END_MARKERS, recordedEvent } from './recorded.ts'
import { createSharedFetch } from './shared-fetch.ts'
import { followLog } from './subscription.ts'
import { WholeLog } from './whole-log.ts'

export interface EventStoreDBEventStoreOptions {
  /** A connection of EventStoreDB's clients: `esdb://user:password@host:port?tls=…`. */
  readonly url: string
  /** Milliseconds for one attempt of a call; default: 2,000. */
  readonly attemptMs?: number
  /** Milliseconds without an answer after which an append is looked for in its stream; default: 250. */
  readonly settleMs?: number
  /** Milliseconds without a message after which a subscription is tested; default: 10,000. */
  readonly idleMs?: number
}

/** The event store on EventStoreDB, with its functions for operators. */
export interface EventStoreDBEventStore extends EventStore {
  health(): Health
  counters(): Counters
  /**
   * A read barrier for the whole log: a position that no event acknowledged before the call is after. It writes an end marker, so
   * a majority of the nodes has confirmed the position, and every subscription reaches it, whatever its filter. A later `head`
   * is one of the same log. (The event type `ReadBarrier` is for one node: it proves that the node leads.)
   */
  readBarrier(): Promise<Position>
}

const DEFAULT_IDLE_MS = 10_000

/**
 * Opens the event store on a single node or a cluster; nothing is sent before the first call. The leader checks the
 * expected revision, so any number of processes may write.
 *
 * @throws {Error} when the URL is not a connection string; the message does not repeat it.
 */
export function openEventStoreDBEventStore(options: EventStoreDBEventStoreOptions): EventStoreDBEventStore {
  const connection = openConnection(options)
  const share = createSharedFetch<Answer<Outcome>>()
  const shareHead = createSharedFetch<Answer<Position>>()
  const log = new WholeLog(connection)
  const monitor = new CallMonitor(() => head())
  const counters = { appends: 0, events: 0, batches: 0, lastCommitMs: 0 }

  /** Many internal events may be at the end of the database: one search serves all callers. */
  const head = (): Promise<Position> => proved(connection, () => shareHead('head', () => log.findHead()))

  async function readStream(stream: string, readOptions: ReadOptions): Promise<Answer<Outcome>> {
    const { value, link, asked } = await ask(connection, streamRequest(stream, readOptions))
    return { value: recordedIn(stream, readOptions, value), link, asked }
  }

  async function writeEndMarker(id?: string): Promise<Position> {
    const events = [asideEvent(END_MARKER, {}, id)]
    const { revision, position } = await append(connection, { stream: END_MARKERS, events, expected: 'any' })
    if (revision === 0n) await keepLastOnly(connection, END_MARKERS)
    const written = position ? positionOf(position) : await positionAt(connection, END_MARKERS, revision)
    if (written === undefined) throw new UnknownOutcome('the end marker is written, but its position could not be read')
    return log.learn(written)
  }

  return {
    append: (stream, events, { expected }) =>
      monitor.watch(async () => {
        encodeAppend(stream, events)
        expectationNumber(expected)
        const began = performance.now()
        const { revision, position } = await appendDecided(connection, { stream, events, expected })
        const result: AppendResult = {
          revision,
          position: position
            ? log.learn(positionOf(position))
            : ((await positionAt(connection, stream, revision)) ?? (await head())),
        }
        counters.appends += 1
        counters.events += events.length
        counters.batches += 1
        counters.lastCommitMs = performance.now() - began
        return result
      }),
    async read(stream, readOptions = {}) {
      monitor.assertOpen()
      const fetch = () => monitor.watch(() => readStream(stream, readOptions))
      try {
        const outcome = await proved(connection, () => share(keyOf(stream, readOptions), fetch))
        if (outcome instanceof StreamNotFound) throw outcome
        return outcome
      } catch (error) {
        monitor.noteFailure(error)
        throw error
      }
    },
    async *readAll(readOptions = {}) {
      monitor.assertOpen()
      yield* log.readAll(readOptions, monitor.closed)
    },
    head: () => monitor.watch(head),
    parsePosition,
    subscribe({ signal, ...from } = {}) {
      const until = signal ? AbortSignal.any([signal, monitor.closed]) : monitor.closed
      const idleMs = options.idleMs ?? DEFAULT_IDLE_MS
      const following = {
        connection,
        writeEndMarker: (id: string) => monitor.watch(() => writeEndMarker(id)),
        reached: (position: Position) => log.learn(position),
        idleMs,
      }
      return followLog(following, from, until)
    },
    readBarrier: () => monitor.watch(() => writeEndMarker()),
    counters: () => ({ ...counters, queued: monitor.waiting }),
    health: () => monitor.health(),
    async close() {
      if (monitor.closed.aborted) return
      await monitor.close()
      await connection.close()
    },
  }
}

/**
 * The position of an append that the server already had: it may not return it when the events are hidden from readers.
 *
 * @returns `undefined` when the events are hidden: the end of the log is a position after them.
 */
async function positionAt(connection: Connection, stream: string, revision: bigint): Promise<Position | undefined> {
  try {
    const [event] = await readUnproved(connection, stream, streamRequest(stream, { from: revision, max: 1 }))
    return event?.revision === revision ? recordedEvent(event).position : undefined
  } catch (error) {
    if (error instanceof StreamNotFound) return undefined
    throw new UnknownOutcome('the append is written, but its position could not be read', { cause: error })
  }
}

/** Equal for reads of the same events. */
const keyOf = (stream: string, { direction, from, max }: ReadOptions): string => `${direction} ${from} ${max} ${stream}`

/** The outcome of a read. Created once for all callers that share it: an error for each would cost more than the read. */
type Outcome = readonly RecordedEvent[] | StreamNotFound

function recordedIn(stream: string, options: ReadOptions, found: FoundOrEnded): Outcome {
  if (found instanceof Error) return new StreamNotFound(stream, { cause: found })
  // A read that a failing node cuts short ends like any other; a stream that exists has at least one event.
  const isEmpty = found?.length === 0 && options.from === undefined && options.max !== 0
  if (found === undefined || isEmpty) return new StreamNotFound(stream)
  return found.map(recordedEvent)
}
