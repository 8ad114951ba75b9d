import {
  type EventFilter,
  keptPosition,
  passes,
  type Position,
  type ReadAllOptions,
  type RecordedEvent,
  START,
  Unavailable,
} from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { type Answer, proved } from './dependence.ts'
import { isPastEnd, LeftBehind } from './failure.ts'
import { logFilter } from './log-filter.ts'
import { parsePosition, positionOf } from './position.ts'
import { allRequest } from './read-request.ts'
import { ask, eventsOf, type Patience } from './reading.ts'
import { isInLog, type Recorded, recordedEvent } from './recorded.ts'
import { untilAborted } from './until-aborted.ts'

/**
 * The log of all streams, as it is read. A read that a dying node cuts short ends like any other, and a node that was left
 * behind has an end of its own; so nothing ends where an answer is short. A reading forwards ends at the end, a reading
 * backwards where a search finds nothing more, and a search counts when the same connection shows the end afterwards.
 */
export interface WholeLog {
  /** As the port has it. @throws {Unavailable} when it is aborted by `closed`. */
  readAll(options: ReadAllOptions, closed: AbortSignal): AsyncIterable<RecordedEvent>
  /** Where its last event stands; `START` when there is none. */
  lookForHead(): Promise<Answer<Position>>
  /** Notes that an event stands here: a node that has not got so far was left behind. @returns the position. */
  learn(position: Position): Position
}

/** A part of everything: so many events at the most, from a place on; from the end, or the start, when there is none. */
interface Part {
  readonly direction: 'forwards' | 'backwards'
  readonly from: Position | undefined
  readonly max: number
  readonly signal?: AbortSignal | undefined
}

const PAGE = 512
const HEAD_PAGE = 16
/**
 * Pages backwards without an event of the log after which the server looks for the next one by itself: leases, pulses and
 * read barriers pile up until a scavenge, hundreds a second where people only ask.
 */
const PAGES_ASIDE = 6
/** How long it may look, in milliseconds: it passes some 100,000 events a second, and says nothing meanwhile. */
const SEARCH_MS = 120_000

const placeOf = (event: Recorded | undefined): Position | undefined => event?.position && positionOf(event.position)

/** Reads the log through a connection; nothing is sent before the first call. */
export function openWholeLog(connection: Connection): WholeLog {
  /** Nothing that this process was told of stands after this. */
  let known = START
  /** Between this head of the log and this end of everything is nothing of the log. */
  let looked = { end: START, head: START }

  const learn = (position: Position): Position => {
    if (position > known) known = position
    return position
  }
  const patience = (signal?: AbortSignal): Patience => ({ attemptMs: connection.attemptMs, ...(signal && { signal }) })

  /**
   * A part of everything, not further than its node has got.
   *
   * @throws {Unavailable} when no node answers that has got as far as this process knows the log to have come; when the signal is
   *   aborted.
   */
  async function page({ direction, from, max, signal }: Part): Promise<Answer<readonly Recorded[]>> {
    const least = known
    const check = (found: readonly Recorded[]): void => {
      if (direction === 'backwards' && from !== undefined) return
      if (direction === 'forwards' && found.length === max) return
      // A database has events of its own from its first start.
      const last = placeOf(direction === 'forwards' ? found.at(-1) : found[0]) ?? from
      if (last === undefined || last < least) throw new LeftBehind()
    }
    const { value, ...answered } = await ask(connection, allRequest(direction, from, max), check, patience(signal))
    return { ...answered, value: eventsOf('$all', value ?? []) }
  }

  /** Where everything ends. */
  async function end(signal?: AbortSignal): Promise<Answer<Position>> {
    const { value, ...answered } = await page({ direction: 'backwards', from: undefined, max: 1, signal })
    return { ...answered, value: learn(placeOf(value[0]) ?? START) }
  }

  const currentEnd = (signal: AbortSignal) => proved(connection, () => end(signal))

  /** What passes a filter: the server looks for it, until it has enough or comes to the end. */
  async function search(
    { direction, from, max, signal }: Part,
    filter: EventFilter,
  ): Promise<Answer<readonly Recorded[]>> {
    const request = allRequest(direction, from, max, logFilter(filter))
    for (;;) {
      const found = await ask(connection, request, undefined, { ...patience(signal), attemptMs: SEARCH_MS })
      const value = eventsOf('$all', found.value ?? [])
      if (value.length >= max || (await end(signal)).link === found.link) return { ...found, value }
    }
  }

  /** The last event of the log before a position, if there is one: the same whichever node gives it. */
  const searchBefore = async (from: Position | undefined, signal?: AbortSignal) =>
    (await search({ direction: 'backwards', from, max: 1, signal }, {})).value

  /** What the log has there. What says that nothing came after it is proved to have been current. */
  function current(part: Part, filter: EventFilter | undefined): Promise<readonly Recorded[]> {
    const isNewest = (found: readonly Recorded[]): boolean =>
      part.direction === 'backwards' ? part.from === undefined : filter !== undefined && found.length < part.max
    return proved(connection, () => (filter ? search(part, filter) : page(part)), isNewest)
  }

  async function* readAll(options: ReadAllOptions, closed: AbortSignal): AsyncGenerator<RecordedEvent, void> {
    if (options.after !== undefined) keptPosition({ parsePosition }, options.after)
    const signal = options.signal ? AbortSignal.any([options.signal, closed]) : closed
    try {
      yield* eventsOfAll(options, signal)
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error
      if (!options.signal?.aborted) throw new Unavailable('the event store is closed', { cause: error })
    }
  }

  async function* eventsOfAll(options: ReadAllOptions, signal: AbortSignal): AsyncGenerator<RecordedEvent, void> {
    const { direction = 'forwards', after, filter, max = Infinity } = options
    if (direction === 'backwards' && after === START) return
    let from = after
    let left = max
    let pagesAside = 0
    /** Where everything ended when a reading forwards had come to an end. */
    let last: Position | undefined
    const next = (part: Part): Promise<readonly Recorded[]> =>
      current(part, filter).catch((error: unknown) => {
        // Everything is before a position past the end: so is what comes backwards from the end.
        if (direction === 'backwards' && part.from !== undefined && isPastEnd(error))
          return current({ ...part, from: undefined }, filter)
        throw error
      })
    while (left > 0 && !options.signal?.aborted) {
      const start = from
      const isSearched = direction === 'backwards' && pagesAside >= PAGES_ASIDE
      // One more than is wanted, for the event at the position itself. Where that is too little, the server cannot tell all that is not.
      const size = isSearched ? 1 : filter && start === after ? Math.min(left + 1, PAGE) : PAGE
      const found = await untilAborted(signal, () =>
        isSearched ? searchBefore(start, signal) : next({ direction, from: start, max: size, signal }),
      )
      pagesAside = found.some(({ streamId }) => isInLog(streamId)) ? 0 : pagesAside + 1
      for (const event of found) {
        if (options.signal?.aborted) return
        const position = placeOf(event)
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
      if (filter !== undefined || isSearched) return
      if (direction === 'backwards') pagesAside = PAGES_ASIDE
      else if (last !== undefined && (from ?? START) >= last) return
      else last = await untilAborted(signal, () => currentEnd(signal))
    }
  }

  /** From the end backwards to an event of the log, or to where an earlier look began: pulses and leases pile up there. */
  async function lookForHead(): Promise<Answer<Position>> {
    const earlier = looked
    const sizeOf = (pages: number) => (pages < PAGES_ASIDE ? Math.min(HEAD_PAGE * 2 ** pages, PAGE) : 1)
    const before = async (from: Position | undefined, pages: number) =>
      pages < PAGES_ASIDE
        ? (await page({ direction: 'backwards', from, max: sizeOf(pages) })).value
        : searchBefore(from)
    const first = await page({ direction: 'backwards', from: undefined, max: HEAD_PAGE })
    let from: Position | undefined
    let last: Position | undefined
    const found = (position: Position): Answer<Position> => {
      if (last !== undefined && last > looked.end) looked = { end: last, head: position }
      return { ...first, value: position }
    }
    for (let pages = 0; ; pages += 1) {
      const start = from
      // What is before the first page stays what it is, whichever node shows it.
      const events = pages === 0 ? first.value : await before(start, pages)
      for (const event of events) {
        const position = placeOf(event)
        if (position === undefined) continue
        from = position
        last ??= learn(from)
        if (isInLog(event.streamId)) return found(from)
        if (from <= earlier.end) return found(earlier.head)
      }
      if (events.length === sizeOf(pages) && from !== start) continue
      return found(placeOf((await searchBefore(from))[0]) ?? START)
    }
  }

  return { readAll, lookForHead, learn }
}
