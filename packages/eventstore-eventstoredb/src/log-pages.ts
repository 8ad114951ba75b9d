import { type EventFilter, type Position, START } from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { type Answer, proved } from './dependence.ts'
import { LeftBehind } from './failure.ts'
import { logFilter } from './log-filter.ts'
import { positionOf } from './position.ts'
import { allRequest } from './read-request.ts'
import { ask, eventsOf, type Patience } from './reading.ts'
import type { Recorded } from './recorded.ts'

/** Which events to read: at most `max`, from a position on; from the end or the start of the database if it is `undefined`. */
export interface PageRequest {
  readonly direction: 'forwards' | 'backwards'
  readonly from: Position | undefined
  readonly max: number
  readonly signal?: AbortSignal | undefined
}

/** The largest number of events in one page. */
export const PAGE = 512
/**
 * Pages in a row without an event of the log after which the server searches for the next one by itself: leases, end markers and
 * read barriers pile up until a scavenge, hundreds a second under a load of reads.
 */
export const PAGES_BEFORE_SEARCH = 6
/** Milliseconds that a filtered read may take: a server scans some 100,000 events a second, and sends nothing meanwhile. */
const SEARCH_MS = 120_000

export const positionIn = (event: Recorded | undefined): Position | undefined =>
  event?.position && positionOf(event.position)

/** Reads pages of `$all`, which holds the events of the log and others. */
export class LogPages {
  readonly #connection: Connection
  /** The newest position that this process knows of. */
  #known = START

  constructor(connection: Connection) {
    this.#connection = connection
  }

  /** Notes that an event is at this position: a node that does not have it yet is stale. @returns the position. */
  learn(position: Position): Position {
    if (position > this.#known) this.#known = position
    return position
  }

  /**
   * One page, as far as its node has the log.
   *
   * @throws {Unavailable} when no node answers that has every event that this process knows of, or when the signal is aborted.
   */
  async page({ direction, from, max, signal }: PageRequest): Promise<Answer<readonly Recorded[]>> {
    const least = this.#known
    const check = (found: readonly Recorded[]): void => {
      if (direction === 'backwards' && from !== undefined) return
      if (direction === 'forwards' && found.length === max) return
      // A database has events of its own from its first start.
      const last = positionIn(direction === 'forwards' ? found.at(-1) : found[0]) ?? from
      if (last === undefined || last < least) throw new LeftBehind()
    }
    const request = allRequest(direction, from, max)
    const { value, ...answered } = await ask(this.#connection, request, check, this.#patience(signal))
    return { ...answered, value: eventsOf('$all', value ?? []) }
  }

  /** The position of the last event of the database, proved to be current. */
  currentEnd(signal: AbortSignal): Promise<Position> {
    return proved(this.#connection, () => this.#end(signal))
  }

  /** One page, filtered by the server. A page that shows that nothing newer exists is proved to be current. */
  currentPage(request: PageRequest, filter: EventFilter | undefined): Promise<readonly Recorded[]> {
    const isNewest = (found: readonly Recorded[]): boolean =>
      request.direction === 'backwards'
        ? request.from === undefined
        : filter !== undefined && found.length < request.max
    return proved(this.#connection, () => (filter ? this.#search(request, filter) : this.page(request)), isNewest)
  }

  /** The last event of the log before a position, if there is one. Every node gives the same. */
  async searchBefore(from: Position | undefined, signal?: AbortSignal): Promise<readonly Recorded[]> {
    return (await this.#search({ direction: 'backwards', from, max: 1, signal }, {})).value
  }

  async #end(signal: AbortSignal | undefined): Promise<Answer<Position>> {
    const { value, ...answered } = await this.page({ direction: 'backwards', from: undefined, max: 1, signal })
    return { ...answered, value: this.learn(positionIn(value[0]) ?? START) }
  }

  /** Lets the server search until it has enough events or reaches the end of the log. */
  async #search(
    { direction, from, max, signal }: PageRequest,
    filter: EventFilter,
  ): Promise<Answer<readonly Recorded[]>> {
    const request = allRequest(direction, from, max, logFilter(filter))
    const patience = { ...this.#patience(signal), attemptMs: SEARCH_MS }
    for (;;) {
      const found = await ask(this.#connection, request, undefined, patience)
      const value = eventsOf('$all', found.value ?? [])
      if (value.length >= max || (await this.#end(signal)).link === found.link) return { ...found, value }
    }
  }

  #patience(signal: AbortSignal | undefined): Patience {
    return { attemptMs: this.#connection.attemptMs, ...(signal && { signal }) }
  }
}
