import {
  DecideAgain,
  encodeAppend,
  expectationNumber,
  keptPosition,
  passes,
  StreamNotFound,
  START,
  Unavailable,
  UnknownOutcome,
  type AppendResult,
  type EventFilter,
  type EventStore,
  type Position,
  type ReadAllOptions,
  type ReadOptions,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import { append, asideEvent, keepLastOnly } from './append.ts'
import { type Connection, openConnection } from './connection.ts'
import { appendDecided } from './deciding-append.ts'
import { type Answer, proved } from './dependence.ts'
import { isPastEnd, LeftBehind, reasonOf } from './failure.ts'
import { logFilter } from './log-filter.ts'
import { parsePosition, positionOf } from './position.ts'
import { allRequest, streamRequest } from './read-request.ts'
import { ask, eventsOf, type FoundOrEnded, readUnproved } from './reading.ts'
import { isInLog, PULSE, PULSES, type Recorded, recordedEvent } from './recorded.ts'
import { sharing } from './sharing.ts'
import { followLog } from './subscription.ts'

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

/** Whether the cluster answered the last call; why not, when it did not. */
export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string }

/** How the appends of this process fared. */
export interface Counters {
  readonly appends: number
  readonly events: number
  /** Round trips to the leader. */
  readonly batches: number
  /** Calls under way. */
  readonly queued: number
  readonly lastCommitMs: number
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

/** A part of the whole log; whether it tells where the log ends. */
interface Page extends Answer<readonly Recorded[]> {
  readonly isEnd: boolean
}

/** What is looked for in the whole log, and until when. */
interface Wanted {
  readonly filter?: EventFilter | undefined
  readonly signal?: AbortSignal
}

/** Milliseconds between two looks at a cluster that did not answer. */
const PROBE_MS = 1_000
const DEFAULT_IDLE_MS = 10_000
const PAGE = 512
const HEAD_PAGE = 16
/**
 * Pages backwards without an event of the log after which the server looks for the next one by itself: leases, pulses and
 * read barriers pile up until a scavenge, hundreds a second where people only ask.
 */
const PAGES_ASIDE = 6
/** How long it may look, in milliseconds: it passes some 100,000 events a second, and says nothing meanwhile. */
const SEARCH = { attemptMs: 120_000 }

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
  const closed = new AbortController()
  const counters = { appends: 0, events: 0, batches: 0, queued: 0, lastCommitMs: 0 }
  let probe: NodeJS.Timeout | undefined
  const pending = new Set<Promise<unknown>>()
  let failure: string | undefined
  /** Between this head of the log and this end of everything is nothing of the log. */
  let looked = { end: START, head: START }
  /** Nothing that this process was told of stands after this: a node that has not got so far was left behind. */
  let known = START

  const assertOpen = (): void => {
    if (closed.signal.aborted) throw new Unavailable('the event store is closed')
  }

  /** Looks until the cluster answers again: a server that is not ready is asked nothing, and would not find out. */
  const lookAgain = (): void => {
    probe ??= setTimeout(() => {
      probe = undefined
      if (!closed.signal.aborted) void watched(head).catch(() => undefined)
    }, PROBE_MS).unref()
  }

  /** Notes how a call ended, for those who watch. */
  async function watched<Result>(work: () => Promise<Result>): Promise<Result> {
    assertOpen()
    const running = work()
    pending.add(running)
    counters.queued += 1
    try {
      const result = await running
      failure = undefined
      return result
    } catch (error) {
      if (error instanceof DecideAgain) throw error // nothing is wrong with the cluster
      if (error instanceof Unavailable || error instanceof UnknownOutcome) {
        failure = reasonOf(error)
        lookAgain()
      }
      throw error
    } finally {
      counters.queued -= 1
      pending.delete(running)
    }
  }

  const learn = (position: Position): Position => {
    if (position > known) known = position
    return position
  }

  /**
   * A part of everything that is there; of what passes a filter, the server looks for it.
   *
   * @throws {Unavailable} when no node answers that has got as far as this process knows the log to have come; when the signal is
   *   aborted.
   */
  async function page(
    direction: 'forwards' | 'backwards',
    from: Position | undefined,
    maxCount: number,
    { filter, signal }: Wanted = {},
  ): Promise<Page> {
    const until = signal && { signal }
    const least = known
    const isEnd = (found: readonly Recorded[]) =>
      direction === 'forwards' ? found.length < maxCount : from === undefined
    const checkEnd = (found: readonly Recorded[]): void => {
      const end = found.at(direction === 'forwards' ? -1 : 0)?.position
      if (isEnd(found) && (end ? positionOf(end) : (from ?? START)) < least) throw new LeftBehind()
    }
    const checkLast = ([last]: readonly Recorded[]): void => {
      if ((last?.position ? positionOf(last.position) : START) < least) throw new LeftBehind()
    }
    for (;;) {
      const { value, ...answered } = filter
        ? await ask(connection, allRequest(direction, from, maxCount, logFilter(filter)), undefined, {
            ...SEARCH,
            ...until,
          })
        : await ask(connection, allRequest(direction, from, maxCount), checkEnd, { ...connection, ...until })
      const found = eventsOf('$all', value ?? [])
      const page = { ...answered, value: found, isEnd: isEnd(found) }
      if (filter === undefined || found.length >= maxCount) return page
      // A read that a dying node cut short ends like any other: it is whole if the node has the end of the log to show afterwards.
      const after = await ask(connection, allRequest('backwards', undefined, 1), checkLast, { ...connection, ...until })
      if (after.link === page.link) return page
    }
  }

  /** The last event of the log before a position, if there is one: the same whichever node gives it. */
  const searchBefore = async (from: Position | undefined, signal?: AbortSignal) =>
    (await page('backwards', from, 1, { filter: {}, ...(signal && { signal }) })).value

  /** A page; where it tells the end of the log, it is the end that was current. */
  async function currentPage(...request: Parameters<typeof page>): Promise<readonly Recorded[]> {
    for (;;) {
      const found = await page(...request)
      if (!found.isEnd || (await found.link.confirms(found.asked))) return found.value
    }
  }

  async function* readAll({ direction = 'forwards', after, filter, max = Infinity, signal }: ReadAllOptions = {}) {
    assertOpen()
    if (after !== undefined) keptPosition({ parsePosition }, after)
    if (direction === 'backwards' && after === START) return
    let from = after
    let left = max
    let pagesAside = 0
    const wanted = { filter, signal: signal ? AbortSignal.any([signal, closed.signal]) : closed.signal }
    const nextPage = (start: Position | undefined, size: number) =>
      currentPage(direction, start, size, wanted).catch((error: unknown) => {
        // Everything is before a position past the end: so is what comes backwards from the end.
        if (direction === 'backwards' && start !== undefined && isPastEnd(error))
          return currentPage(direction, undefined, size, wanted)
        throw error
      })
    while (left > 0 && !signal?.aborted) {
      const start = from
      const isSearched = direction === 'backwards' && pagesAside >= PAGES_ASIDE
      // One more than is wanted, for the event at the position itself. Where that is too little, the server cannot tell all that is not.
      const size = isSearched ? 1 : filter && start === after ? Math.min(left + 1, PAGE) : PAGE
      const next = isSearched ? searchBefore(start, wanted.signal) : nextPage(start, size)
      const found = await next.catch((error: unknown) => {
        assertOpen()
        if (signal?.aborted) return []
        throw error
      })
      pagesAside = found.some(({ streamId }) => isInLog(streamId)) ? 0 : pagesAside + 1
      for (const event of found) {
        if (signal?.aborted) return
        const position = event.position && positionOf(event.position)
        if (position === undefined) continue
        // Whether the event at the position itself is given again is up to the server.
        if (start !== undefined && (direction === 'forwards' ? position <= start : position >= start)) continue
        from = position
        if (!isInLog(event.streamId) || !passes(filter, { stream: event.streamId, type: event.type })) continue
        yield recordedEvent(event)
        left -= 1
        if (left === 0) return
      }
      if (found.length === size && from !== start) continue
      // A page that a dying node cut short looks like the last one: whether anything stands before it, a search tells.
      if (direction === 'forwards' || filter !== undefined || isSearched) return
      pagesAside = PAGES_ASIDE
    }
  }

  /** From the end backwards to an event of the log, or to where an earlier look began: pulses and leases pile up there. */
  async function lookForHead(): Promise<Answer<Position>> {
    const earlier = looked
    const sizeOf = (pages: number) => (pages < PAGES_ASIDE ? Math.min(HEAD_PAGE * 2 ** pages, PAGE) : 1)
    const before = async (start: Position | undefined, pages: number) =>
      pages < PAGES_ASIDE ? (await page('backwards', start, sizeOf(pages))).value : searchBefore(start)
    const first = await page('backwards', undefined, HEAD_PAGE)
    let from: Position | undefined
    let end: Position | undefined
    const found = (position: Position): Answer<Position> => {
      if (end !== undefined && end > looked.end) looked = { end, head: position }
      return { ...first, value: position }
    }
    for (let pages = 0; ; pages += 1) {
      const start = from
      // What is before the first page stays what it is, whichever node shows it.
      const events = pages === 0 ? first.value : await before(start, pages)
      for (const event of events) {
        if (event.position === undefined) continue
        from = positionOf(event.position)
        end ??= learn(from)
        if (isInLog(event.streamId)) return found(from)
        if (from <= earlier.end) return found(earlier.head)
      }
      if (events.length === sizeOf(pages) && from !== start) continue
      // As above.
      const [last] = await searchBefore(from)
      return found(last?.position ? positionOf(last.position) : START)
    }
  }

  /** Much may be at the end that is no part of the log: one look serves all, and whoever gave up does not begin another. */
  const head = (): Promise<Position> => proved(connection, () => shareHead('head', lookForHead))

  async function pulse(id?: string): Promise<Position> {
    const events = [asideEvent(PULSE, {}, id)]
    const { revision, position } = await append(connection, { stream: PULSES, events, expected: 'any' })
    if (revision === 0n) await keepLastOnly(connection, PULSES)
    const written = position ? positionOf(position) : await positionAt(connection, PULSES, revision)
    if (written === undefined) throw new UnknownOutcome('the pulse is written, its position could not be read')
    return learn(written)
  }

  return {
    append: (stream, events, { expected }) =>
      watched(async () => {
        encodeAppend(stream, events)
        expectationNumber(expected)
        const began = performance.now()
        const { revision, position } = await appendDecided(connection, { stream, events, expected })
        const result: AppendResult = {
          revision,
          position: position
            ? learn(positionOf(position))
            : ((await positionAt(connection, stream, revision)) ?? (await head())),
        }
        counters.appends += 1
        counters.events += events.length
        counters.batches += 1
        counters.lastCommitMs = performance.now() - began
        return result
      }),
    read: (stream, readOptions = {}) =>
      watched(async () => {
        const fetch = async (): Promise<Answer<Outcome>> => {
          const { value, ...answered } = await ask(connection, streamRequest(stream, readOptions))
          return { ...answered, value: recordedIn(stream, readOptions, value) }
        }
        const outcome = await proved(connection, () => share(keyOf(stream, readOptions), fetch))
        if (outcome instanceof StreamNotFound) throw outcome
        return outcome
      }),
    readAll,
    head: () => watched(head),
    parsePosition,
    subscribe({ signal, ...from } = {}) {
      const until = signal ? AbortSignal.any([signal, closed.signal]) : closed.signal
      const idleMs = options.idleMs ?? DEFAULT_IDLE_MS
      const following = { connection, pulse: (id: string) => watched(() => pulse(id)), reached: learn, idleMs }
      return followLog(following, from, until)
    },
    pulse: () => watched(pulse),
    counters: () => ({ ...counters }),
    health: () => (failure === undefined ? { ok: true } : { ok: false, reason: failure }),
    async close() {
      if (closed.signal.aborted) return
      const underWay = [...pending]
      closed.abort()
      clearTimeout(probe)
      await Promise.allSettled(underWay)
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
