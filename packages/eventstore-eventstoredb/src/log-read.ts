import { matchesFilter, type Position, type ReadAllOptions, type RecordedEvent, START } from '@ledgate/eventsourcing'
import { isPastEnd } from './failure.ts'
import { type LogPages, PAGE, type PageRequest, PAGES_BEFORE_SEARCH, positionIn } from './log-pages.ts'
import { isInLog, type Recorded, recordedEvent } from './recorded.ts'
import { untilAborted } from './until-aborted.ts'

/** One read of the whole log, page by page. */
export class LogRead {
  readonly #pages: LogPages
  readonly #options: ReadAllOptions
  readonly #signal: AbortSignal
  readonly #isBackwards: boolean
  /** The position of the last event that was looked at. */
  #from: Position | undefined
  /** How many events are still wanted. */
  #left: number
  /** Pages in a row without an event of the log. */
  #pagesAside = 0
  /** The end of the database when this read had come to the end of a short page for the first time. */
  #end: Position | undefined

  /** @param signal ends the read: the signal of the options, or that of the store. */
  constructor(pages: LogPages, options: ReadAllOptions, signal: AbortSignal) {
    this.#pages = pages
    this.#options = options
    this.#signal = signal
    this.#isBackwards = options.direction === 'backwards'
    this.#from = options.after
    this.#left = options.max ?? Infinity
  }

  /** @throws the reason of the signal when it is aborted during a wait. */
  async *events(): AsyncGenerator<RecordedEvent, void> {
    const { after, filter, signal } = this.#options
    if (this.#isBackwards && after === START) return
    while (this.#left > 0 && !signal?.aborted) {
      const start = this.#from
      const isSearch = this.#isBackwards && this.#pagesAside >= PAGES_BEFORE_SEARCH
      const max = isSearch ? 1 : this.#pageSize()
      const found = await untilAborted(this.#signal, () =>
        isSearch ? this.#pages.searchBefore(start, this.#signal) : this.#page(max),
      )
      this.#pagesAside = found.some(({ streamId }) => isInLog(streamId)) ? 0 : this.#pagesAside + 1
      for (const event of found) {
        if (signal?.aborted) return
        if (!this.#advance(event, start) || !this.#isWanted(event)) continue
        yield recordedEvent(event)
        this.#left -= 1
        if (this.#left === 0) return
      }
      if (found.length === max && this.#from !== start) continue
      if (filter !== undefined || isSearch || (await this.#isAtEnd())) return
    }
  }

  /**
   * One more than is wanted at the start of a filtered read, for the event at the position itself: servers differ in whether
   * they return it.
   */
  #pageSize(): number {
    const { after, filter } = this.#options
    return filter && this.#from === after ? Math.min(this.#left + 1, PAGE) : PAGE
  }

  async #page(max: number): Promise<readonly Recorded[]> {
    const { filter } = this.#options
    const direction = this.#isBackwards ? 'backwards' : 'forwards'
    const request: PageRequest = { direction, from: this.#from, max, signal: this.#signal }
    try {
      return await this.#pages.currentPage(request, filter)
    } catch (error) {
      // Every event is before a position past the end, so the read starts at the end.
      if (this.#isBackwards && request.from !== undefined && isPastEnd(error))
        return this.#pages.currentPage({ ...request, from: undefined }, filter)
      throw error
    }
  }

  /** Moves on to an event; `false` when it is not beyond the start of its page. */
  #advance(event: Recorded, start: Position | undefined): boolean {
    const position = positionIn(event)
    if (position === undefined) return false
    if (start !== undefined && (this.#isBackwards ? position >= start : position <= start)) return false
    this.#from = position
    return true
  }

  #isWanted({ streamId, type }: Recorded): boolean {
    return isInLog(streamId) && matchesFilter(this.#options.filter, { stream: streamId, type })
  }

  /** Whether nothing comes after a short page: forwards the end decides, backwards a search follows first. */
  async #isAtEnd(): Promise<boolean> {
    if (this.#isBackwards) {
      this.#pagesAside = PAGES_BEFORE_SEARCH
      return false
    }
    if (this.#end !== undefined && (this.#from ?? START) >= this.#end) return true
    this.#end = await untilAborted(this.#signal, () => this.#pages.currentEnd(this.#signal))
    return false
  }
}
