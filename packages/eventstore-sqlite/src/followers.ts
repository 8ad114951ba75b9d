import {
  categoryOf,
  matchesFilter,
  type EventFilter,
  type Page,
  type PagedLog,
  type Position,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import { logEnd } from './log-end.ts'
import { positionOf, type Row } from './records.ts'

/** How long a follower that nothing concerns is left alone, so that its place moves on all the same, in milliseconds. */
const REST_MS = 1_000

/** What followers ask of the log on the disk. */
interface Reader {
  page(after: Position, filter: EventFilter | undefined): Page
  head(): Position
}

/** Knows who follows what, so that a commit wakes only those whom it concerns, and only they look. */
export interface Followers {
  /** An append was written, in commit order. */
  written(rows: readonly Row[]): void
  /** Everything written so far can be read. */
  committed(): void
  /** Lets everybody come to the end of the log now. */
  rouse(): void
  /** The log as a follower with this filter sees it. */
  log(filter: EventFilter | undefined): PagedLog
}

/** The newest position under each of some names; of what was there before, nothing is known. */
function newestOf(start: Position) {
  const newest = new Map<string, Position>()
  return {
    set: (name: string, position: Position) => void newest.set(name, position),
    /** The last event under any of the names is not after this. */
    among: (names: readonly string[]): Position =>
      names.reduce<Position>((last, name) => {
        const position = newest.get(name) ?? start
        return position > last ? position : last
      }, start),
  }
}

/** @param reader reads what the disk holds; its head at this moment is where memory begins. */
export function followers(reader: Reader): Followers {
  const start = reader.head()
  const ofCategory = newestOf(start)
  const ofType = newestOf(start)
  const sleepers = new Set<{ readonly filter: EventFilter | undefined; wake(): void }>()
  let touched = new Map<string, Pick<RecordedEvent, 'stream' | 'type'>>()
  const end = logEnd(start)
  let head = start

  /** Where the last event may be that concerns the filter; `undefined` when everything does. */
  function concerned({ categories, types }: EventFilter): Position | undefined {
    if (categories === undefined) return types && ofType.among(types)
    const last = ofCategory.among(categories)
    const lastOfType = types === undefined ? last : ofType.among(types)
    return lastOfType < last ? lastOfType : last
  }

  function sleep(filter: EventFilter | undefined, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = {
        filter,
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
    written(rows) {
      end.written(rows)
      for (const [position, stream, , , type] of rows) {
        const category = categoryOf(stream)
        head = positionOf(position)
        ofCategory.set(category, head)
        ofType.set(type, head)
        touched.set(`${type} ${category}`, { stream, type })
      }
    },

    committed() {
      const events = [...touched.values()]
      touched = new Map()
      for (const sleeper of [...sleepers])
        if (events.some((event) => matchesFilter(sleeper.filter, event))) sleeper.wake()
    },

    rouse() {
      for (const sleeper of [...sleepers]) sleeper.wake()
    },

    log: (filter = {}) => ({
      page(after) {
        const last = concerned(filter)
        const isPast = last !== undefined && after >= start && last <= after
        if (isPast) return { events: [], through: after > head ? after : head, atEnd: true }
        return end.page(after, filter) ?? reader.page(after, filter)
      },
      async more(after, signal) {
        // By what was told, as `page` goes: were it the disk that says there is more, nobody would ever be told of it.
        const last = concerned(filter) ?? head
        if (last <= after) await sleep(filter, signal)
      },
    }),
  }
}
