import {
  type Direction,
  type EventFilter,
  type Page,
  passes,
  type Position,
  type ReadAllOptions,
  type ReadOptions,
  type RecordedEvent,
  START,
  StreamNotFound,
} from '@ledgate/eventsourcing'
import Sqlite, { type Database, type Statement } from 'better-sqlite3'
import { COLUMNS, positionOf, type Row, rowOf, toEvent } from './rows.ts'
import { assertSound } from './schema.ts'

/** Events in one look at the log: enough to be fast, few enough to keep the thread free. */
const PAGE_SIZE = 512

/** Reads a log that somebody else may be writing. No transaction outlives a call. */
export interface Reading {
  stream(name: string, options?: ReadOptions): readonly RecordedEvent[]
  all(options?: ReadAllOptions): Iterable<RecordedEvent>
  page(after: Position, filter: EventFilter | undefined): Page
  head(): Position
  close(): void
}

const FIRST = 0
const LAST = Number.MAX_SAFE_INTEGER

/**
 * Opens the log for reading.
 *
 * @throws {Error} when there is no log at `file`.
 */
export function openReading(file: string): Reading {
  const database = new Sqlite(file, { readonly: true, fileMustExist: true })
  assertSound(database)
  database.pragma('query_only = ON')
  const statements = prepare(database)

  function* all({ direction = 'forwards', after, filter, max = Infinity }: ReadAllOptions = {}) {
    const statement = statements.all[direction]
    let from = after === undefined ? (direction === 'forwards' ? FIRST : LAST) : rowOf(after)
    for (let left = max; left > 0;) {
      const rows = statement.all(from, PAGE_SIZE) as Row[]
      for (const row of rows) {
        if (left > 0 && passes(filter, row[7])) {
          left -= 1
          yield toEvent(row)
        }
      }
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE_SIZE) return
      from = last[0]
    }
  }

  return {
    all,

    stream(name, { direction = 'forwards', from, max = Infinity } = {}) {
      const sid = statements.sid.get(name) as number | undefined
      if (sid === undefined) throw new StreamNotFound(name)
      const start = from === undefined ? (direction === 'forwards' ? FIRST : LAST) : Number(from)
      const rows = statements.stream[direction].all(sid, start, max === Infinity ? -1 : max) as Row[]
      return rows.map(toEvent)
    },

    page(after, filter) {
      const rows = statements.all.forwards.all(rowOf(after), PAGE_SIZE) as Row[]
      const last = rows.at(-1)
      return {
        events: rows.filter((row) => passes(filter, row[7])).map(toEvent),
        through: last === undefined ? after : positionOf(last[0]),
        atEnd: rows.length < PAGE_SIZE,
      }
    },

    head() {
      const row = statements.head.get() as number | null
      return row === null ? START : positionOf(row)
    },

    close: () => database.close(),
  }
}

function prepare(database: Database) {
  const both = (forwards: string, backwards: string): Record<Direction, Statement> => ({
    forwards: database.prepare(forwards).raw(),
    backwards: database.prepare(backwards).raw(),
  })
  const select = `SELECT ${COLUMNS} FROM events e JOIN streams s ON s.sid = e.sid`
  return {
    sid: database.prepare('SELECT sid FROM streams WHERE name = ?').pluck(),
    head: database.prepare('SELECT max(position) FROM events').pluck(),
    stream: both(
      `${select} WHERE e.sid = ? AND e.revision >= ? ORDER BY e.revision LIMIT ?`,
      `${select} WHERE e.sid = ? AND e.revision <= ? ORDER BY e.revision DESC LIMIT ?`,
    ),
    all: both(
      `${select} WHERE e.position > ? ORDER BY e.position LIMIT ?`,
      `${select} WHERE e.position < ? ORDER BY e.position DESC LIMIT ?`,
    ),
  }
}
