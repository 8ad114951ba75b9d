import { categoryOf, type EventFilter, type Page, type PagedLog, type Position } from '@ledgate/eventsourcing'
import { positionOf } from './records.ts'

/** How long a follower that nothing concerns is left alone, so that its place moves on all the same, in milliseconds. */
const REST_MS = 1_000

/** What followers ask of the log on the disk. */
interface Reader {
  page(after: Position, filter: EventFilter | undefined): Page
  head(): Position
}

/** Knows who follows what, so that a commit wakes only those whom it concerns, and only they read. */
export interface Followers {
  /** An append was written; its last event is at this position. */
  written(stream: string, position: number): void
  /** Everything written so far can be read. */
  committed(): void
  /** The log as a follower with this filter sees it. */
  log(filter: EventFilter | undefined): PagedLog
}

/** @param reader reads what the disk holds; its head at this moment is where memory begins. */
export function followers(reader: Reader): Followers {
  const start = reader.head()
  const newest = new Map<string, Position>()
  const sleepers = new Set<{ readonly categories: readonly string[] | undefined; wake(): void }>()
  let touched = new Set<string>()
  let head = start

  /** The last event that may concern the filter: of what was there before, nothing is known. */
  const concerned = (categories: readonly string[]): Position =>
    categories.reduce<Position>((last, category) => {
      const position = newest.get(category) ?? start
      return position > last ? position : last
    }, start)

  function sleep(categories: readonly string[] | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = {
        categories,
        wake() {
          sleepers.delete(sleeper)
          clearTimeout(timer)
          signal.removeEventListener('abort', sleeper.wake)
          resolve()
        },
      }
      const timer = setTimeout(sleeper.wake, REST_MS)
      timer.unref()
      sleepers.add(sleeper)
      signal.addEventListener('abort', sleeper.wake)
    })
  }

  return {
    written(stream, position) {
      const category = categoryOf(stream)
      head = positionOf(position)
      newest.set(category, head)
      touched.add(category)
    },

    committed() {
      const concerns = touched
      touched = new Set()
      for (const sleeper of [...sleepers])
        if (sleeper.categories === undefined || sleeper.categories.some((each) => concerns.has(each))) sleeper.wake()
    },

    log: (filter) => ({
      page(after) {
        const { categories } = filter ?? {}
        const isPast = categories !== undefined && after >= start && concerned(categories) <= after
        return isPast ? { events: [], through: after > head ? after : head, atEnd: true } : reader.page(after, filter)
      },
      async more(after, signal) {
        const { categories } = filter ?? {}
        const last = categories === undefined ? reader.head() : concerned(categories)
        if (last <= after) await sleep(categories, signal)
      },
    }),
  }
}
