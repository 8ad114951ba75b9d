import {
  keptPosition,
  type Position,
  type ReadAllOptions,
  type RecordedEvent,
  START,
  Unavailable,
} from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import type { Answer } from './dependence.ts'
import { LogPages, PAGE, PAGES_BEFORE_SEARCH, positionIn } from './log-pages.ts'
import { LogRead } from './log-read.ts'
import { parsePosition } from './position.ts'
import { isInLog } from './recorded.ts'

const HEAD_PAGE = 16

/** Pages grow, so that a few are enough; after those the server searches for one event. */
const headPageSize = (pages: number): number =>
  pages < PAGES_BEFORE_SEARCH ? Math.min(HEAD_PAGE * 2 ** pages, PAGE) : 1

/**
 * The log of all streams. A read that a failing node cuts short ends like any other, and a stale node has an end of its own;
 * so a short page does not prove that the log ends there. A read forwards ends at the proved end, a read backwards where a
 * search finds nothing more, and a search counts only if the same connection returns the end afterwards.
 */
export class WholeLog {
  readonly #pages: LogPages
  /** The last search for the head: no event of the log lies between this head and this end of the database. */
  #searched = { end: START, head: START }

  /** Sends nothing before the first call. */
  constructor(connection: Connection) {
    this.#pages = new LogPages(connection)
  }

  /** Notes that an event is at this position: a node that does not have it yet is stale. @returns the position. */
  learn(position: Position): Position {
    return this.#pages.learn(position)
  }

  /**
   * As {@link EventStore.readAll}.
   *
   * @param closed aborted when the store is closed.
   * @throws {Unavailable} when the store is closed.
   */
  async *readAll(options: ReadAllOptions, closed: AbortSignal): AsyncGenerator<RecordedEvent, void> {
    if (options.after !== undefined) keptPosition({ parsePosition }, options.after)
    const signal = options.signal ? AbortSignal.any([options.signal, closed]) : closed
    try {
      yield* new LogRead(this.#pages, options, signal).events()
    } catch (error) {
      if (!signal.aborted || error !== signal.reason) throw error
      if (!options.signal?.aborted) throw new Unavailable('the event store is closed', { cause: error })
    }
  }

  /** The position of the last event of the log; `START` if it is empty. Searches backwards, at most to an earlier search. */
  async findHead(): Promise<Answer<Position>> {
    const earlier = this.#searched
    const first = await this.#pages.page({ direction: 'backwards', from: undefined, max: HEAD_PAGE })
    let from: Position | undefined
    let last: Position | undefined
    const found = (head: Position): Answer<Position> => {
      if (last !== undefined && last > this.#searched.end) this.#searched = { end: last, head }
      return { ...first, value: head }
    }
    for (let pages = 0; ; pages += 1) {
      const start = from
      const max = headPageSize(pages)
      // Events before the first page do not change, whichever node returns them.
      const events = pages === 0 ? first.value : await this.#pageBefore(start, max)
      for (const event of events) {
        const position = positionIn(event)
        if (position === undefined) continue
        from = position
        last ??= this.learn(from)
        if (isInLog(event.streamId)) return found(from)
        if (from <= earlier.end) return found(earlier.head)
      }
      if (events.length === max && from !== start) continue
      return found(positionIn((await this.#pages.searchBefore(from))[0]) ?? START)
    }
  }

  async #pageBefore(from: Position | undefined, max: number) {
    if (max === 1) return this.#pages.searchBefore(from)
    return (await this.#pages.page({ direction: 'backwards', from, max })).value
  }
}
