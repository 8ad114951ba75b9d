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
import { PULSE, PULSES, recordedEvent } from './recorded.ts'
import { sharing } from './sharing.ts'
import { followLog } from './subscription.ts'
import { WholeLog } from './whole-log.ts'

export interface EventStoreDBEventStoreOptions {
  /** A connection of EventStoreDB's clients: `esdb://user:password@host:port?tls=…`. */
  readonly url: string
  /** Milliseconds that one try of one call may take; 2,000 unless told. */
  readonly attemptMs?: number
  /** Milliseconds without an answer after which it is looked whether an append is in its stream; 250 unless told. */
  readonly settleMs?: number
  /** Milliseconds without a word after which a subscription is asked whether it still lives; 10,000 unless told. */
  readonly idleMs?: number
}

/** The event store on EventStoreDB, and what its operators ask it. */
export interface EventStoreDBEventStore extends EventStore {
  health(): Health
  counters(): Counters
  /**
   * A place at the end of the log: nothing that was acknowledged before the call is after it. It is written, so a majority
   * of the nodes agreed on it, and subscriptions to some types come to it as to their own events. A `head` that is asked
   * for afterwards is one of the same log.
   */
  pulse(): Promise<Position>
}

const DEFAULT_IDLE_MS = 10_000

/**
 * Opens the event store on a single node or a cluster; nothing is sent before the first call. The expected revision is
 * judged by the leader, so any number of processes may write.
 *
 * @throws {Error} when the URL is not a connection string; it is not repeated in the message.
 */
export function openEventStoreDBEventStore(options: EventStoreDBEventStoreOptions): EventStoreDBEventStore {
  const connection = openConnection(options)
  const share = sharing<Answer<Outcome>>()
  const shareHead = sharing<Answer<Position>>()
  const log = new WholeLog(connection)
  const monitor = new CallMonitor(() => head())
  const counters = { appends: 0, events: 0, batches: 0, lastCommitMs: 0 }

  /** Much may be at the end that is no part of the log: one look serves all, and whoever gave up does not begin another. */
  const head = (): Promise<Position> => proved(connection, () => shareHead('head', () => log.findHead()))

  async function readStream(stream: string, readOptions: ReadOptions): Promise<Answer<Outcome>> {
    const { value, link, asked } = await ask(connection, streamRequest(stream, readOptions))
    return { value: recordedIn(stream, readOptions, value), link, asked }
  }

  async function pulse(id?: string): Promise<Position> {
    const events = [asideEvent(PULSE, {}, id)]
    const { revision, position } = await append(connection, { stream: PULSES, events, expected: 'any' })
    if (revision === 0n) await keepLastOnly(connection, PULSES)
    const written = position ? positionOf(position) : await positionAt(connection, PULSES, revision)
    if (written === undefined) throw new UnknownOutcome('the pulse is written, its position could not be read')
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
        pulse: (id: string) => monitor.watch(() => pulse(id)),
        reached: (position: Position) => log.learn(position),
        idleMs,
      }
      return followLog(following, from, until)
    },
    pulse: () => monitor.watch(pulse),
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
 * A server that knew an append already may answer without its position: it does so when readers of the stream are not shown
 * the events any more.
 *
 * @returns `undefined` when they are not: whoever waits for the end of the log has waited for them.
 */
async function positionAt(connection: Connection, stream: string, revision: bigint): Promise<Position | undefined> {
  try {
    const [event] = await readUnproved(connection, stream, streamRequest(stream, { from: revision, max: 1 }))
    return event?.revision === revision ? recordedEvent(event).position : undefined
  } catch (error) {
    if (error instanceof StreamNotFound) return undefined
    throw new UnknownOutcome('the append is written, its position could not be read', { cause: error })
  }
}

/** The same for reads that ask for the same events. */
const keyOf = (stream: string, { direction, from, max }: ReadOptions): string => `${direction} ${from} ${max} ${stream}`

/** What a read of a stream came to. It is made once for all who share it: an error for each would cost more than the rest. */
type Outcome = readonly RecordedEvent[] | StreamNotFound

function recordedIn(stream: string, options: ReadOptions, found: FoundOrEnded): Outcome {
  if (found instanceof Error) return new StreamNotFound(stream, { cause: found })
  // A read that a dying node cut short ends like any other; a stream that exists has an event to begin with.
  const isEmpty = found?.length === 0 && options.from === undefined && options.max !== 0
  if (found === undefined || isEmpty) return new StreamNotFound(stream)
  return found.map(recordedEvent)
}
