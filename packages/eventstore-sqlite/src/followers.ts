import {
  categoryOf,
  matchesFilter,
  type EventFilter,
  type Page,
  type PagedLog,
  type Position,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import { createLogEnd } from './log-end.ts'
import { positionOf, type Row } from './records.ts'

/** How long a follower without matching events waits before its position advances anyway, in milliseconds. */
const REST_MS = 1_000

/** The reads of the log on disk that followers need. */
interface Reader {
  page(after: Position, filter: EventFilter | undefined): Page
  head(): Position
}

/** Tracks what each follower reads, so that a commit wakes only the followers that its events match. */
export interface Followers {
  /** Notes an append, in commit order. */
  written(rows: readonly Row[]): void
  /** Notes that all noted appends can be read. */
  committed(): void
  /** Lets every follower advance to the end of the log now. */
  rouse(): void
  /** The log for a follower with this filter. */
  log(filter: EventFilter | undefined): PagedLog
}

/** The newest position for each name; events up to `start` are unknown. */
function newestOf(start: Position) {
  const newest = new Map<string, Position>()
  return {
    set: (name: string, position: Position) => void newest.set(name, position),
    /** A position that the last event of any of the names is not after. */
    among: (names: readonly string[]): Position =>
      names.reduce<Position>((last, name) => {
        const position = newest.get(name) ?? start
        return position > last ? position : last
      }, start),
  }
}

/** @param reader reads the log on disk; later events are tracked in memory. */
export function createFollowers(reader: Reader): Followers {
  const start = reader.head()
  const ofCategory = newestOf(start)
  const ofType = newestOf(start)
  const sleepers = new Set<{ readonly filter: EventFilter | undefined; wake(): void }>()
  let touched = new Map<string, Pick<RecordedEvent, 'stream' | 'type'>>()
  const end = createLogEnd(start)
  let head = start

  /** A position that the last matching event is not after; `undefined` when the filter matches everything. */
  function lastMatch({ categories, types }: EventFilter): Position | undefined {
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
        const last = lastMatch(filter)
        const isPast = last !== undefined && after >= start && last <= after
        if (isPast) return { events: [], through: after > head ? after : head, atEnd: true }
        return end.page(after, filter) ?? reader.page(after, filter)
      },
      async more(after, signal) {
        // By the noted appends, as in `page`: an event that is only on disk so far will wake the follower when it is noted.
        const last = lastMatch(filter) ?? head
        if (last <= after) await sleep(filter, signal)
      },
    }),
  }
}
