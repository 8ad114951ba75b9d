import { existsSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import Database from 'better-sqlite3'
import {
  InvalidPosition,
  StreamNotFound,
  Unavailable,
  type Direction,
  type EventFilter,
  type Page,
  type Position,
  type ReadAllOptions,
  type ReadOptions,
  type RecordedEvent,
} from '@ledgate/eventsourcing'
import { COLUMNS, decodeRow, numberOf, positionOf, type Row } from './records.ts'
import { assertSchemaVersion, assertSqliteVersion } from './schema.ts'

/** A read-only connection. Each call is one short read transaction. */
export interface LogReader {
  /** @throws {StreamNotFound} */
  rows(stream: string, options?: ReadOptions): readonly Row[]
  page(after: Position, filter: EventFilter | undefined): Page
  /** Yields to other work between two pages, even when no event matches the filter. */
  readAll(options?: ReadAllOptions): AsyncGenerator<RecordedEvent, void>
  head(): Position
  close(): void
}

/** Rows in one page; small enough that a server answers requests between two pages. */
const PAGE_ROWS = 256
/** How many positions one filtered page covers: rows that do not match cost little. */
const FILTERED_POSITIONS = 4_096
const CACHE_KIB = 16_384

/**
 * Opens an existing file for reading.
 *
 * @throws {Unavailable} when there is no event store in the file, or it cannot be read.
 */
export function openLogReader(file: string): LogReader {
  if (!existsSync(file)) throw new Unavailable(`there is no event store at ${file}`)
  const database = openReadOnly(file)
  const head = guarded(headOf(database))
  return {
    ...pagesOf(guarded(rangeReader(database)), head),
    rows: guarded(streamsOf(database)),
    head: () => positionOf(head()),
    close: () => void database.close(),
  }
}

function openReadOnly(file: string): Database.Database {
  let database: Database.Database | undefined
  try {
    database = new Database(file, { readonly: true })
    assertSqliteVersion(database)
    database.pragma('query_only = ON')
    database.pragma(`cache_size = -${CACHE_KIB}`)
    assertSchemaVersion(Number(database.pragma('user_version', { simple: true })))
    return database
  } catch (error) {
    database?.close()
    const reason = error instanceof Error ? error.message : String(error)
    throw new Unavailable(`${file} cannot be read: ${reason}`, { cause: error })
  }
}

/** Turns the errors of the driver into those of the port. */
function guarded<Arguments extends readonly unknown[], Result>(read: (...args: Arguments) => Result) {
  return (...args: Arguments): Result => {
    try {
      return read(...args)
    } catch (error) {
      if (error instanceof StreamNotFound || error instanceof InvalidPosition) throw error
      throw new Unavailable('the event store cannot be read', { cause: error })
    }
  }
}

function headOf(database: Database.Database): () => number {
  const last = database.prepare<[], number>('SELECT position FROM events ORDER BY position DESC LIMIT 1').pluck()
  return () => last.get() ?? 0
}

function streamsOf(database: Database.Database) {
  const own = `SELECT ${COLUMNS} FROM streams s JOIN events e ON e.sid = s.sid WHERE s.name = ?`
  const read = {
    forwards: database
      .prepare<[string, bigint, number], Row>(`${own} AND e.revision >= ? ORDER BY e.revision LIMIT ?`)
      .raw(),
    backwards: database
      .prepare<[string, bigint, number], Row>(`${own} AND e.revision <= ? ORDER BY e.revision DESC LIMIT ?`)
      .raw(),
  }
  const exists = database.prepare<[string], number>('SELECT 1 FROM streams WHERE name = ?').pluck()
  return (stream: string, { direction = 'forwards', from, max }: ReadOptions = {}): readonly Row[] => {
    const start = from ?? (direction === 'forwards' ? 0n : BigInt(Number.MAX_SAFE_INTEGER))
    const rows = read[direction].all(stream, start, max ?? -1)
    if (rows.length === 0 && exists.get(stream) === undefined) throw new StreamNotFound(stream)
    return rows
  }
}

interface Range {
  readonly direction: Direction
  readonly above: number
  readonly below: number
  readonly filter: EventFilter | undefined
}

const ORDER: Readonly<Record<Direction, string>> = { forwards: '', backwards: 'DESC' }
const OF_CATEGORIES = 'AND s.category IN (SELECT value FROM json_each(?))'
const OF_TYPES = 'AND e.type IN (SELECT value FROM json_each(?))'

const isFilter = (filter: EventFilter | undefined): boolean =>
  filter?.categories !== undefined || filter?.types !== undefined

/** Reads the rows between two positions (exclusive) that match the filter. */
function rangeReader(database: Database.Database) {
  const rows = `SELECT ${COLUMNS} FROM events e CROSS JOIN streams s ON s.sid = e.sid
    WHERE e.position > ? AND e.position < ?`
  const prepare = (conditions: string) => {
    const inOrder = (direction: Direction) =>
      database
        .prepare<(number | string)[], Row>(`${rows} ${conditions} ORDER BY e.position ${ORDER[direction]} LIMIT ?`)
        .raw()
    return { forwards: inOrder('forwards'), backwards: inOrder('backwards') }
  }
  const every = prepare('')
  const ofCategories = prepare(OF_CATEGORIES)
  const ofTypes = prepare(OF_TYPES)
  const ofBoth = prepare(`${OF_CATEGORIES} ${OF_TYPES}`)
  return ({ direction, above, below, filter }: Range): readonly Row[] => {
    const { categories, types } = filter ?? {}
    const lists = [categories, types].filter((list) => list !== undefined).map((list) => JSON.stringify(list))
    const some = categories === undefined ? ofTypes : types === undefined ? ofCategories : ofBoth
    return (lists.length === 0 ? every : some)[direction].all(above, below, ...lists, PAGE_ROWS)
  }
}

function pagesOf(readRange: (range: Range) => readonly Row[], head: () => number) {
  const reach = (filter: EventFilter | undefined) => (isFilter(filter) ? FILTERED_POSITIONS : PAGE_ROWS)

  const forwards = (after: number, filter: EventFilter | undefined, end: number) => {
    const below = Math.min(end, after + reach(filter)) + 1
    const rows = readRange({ direction: 'forwards', above: after, below, filter })
    const through = rows.length < PAGE_ROWS ? below - 1 : (rows.at(-1)?.[0] ?? after)
    return { rows, through }
  }

  const backwards = (before: number, filter: EventFilter | undefined) => {
    const above = Math.max(0, before - 1 - reach(filter))
    const rows = readRange({ direction: 'backwards', above, below: before, filter })
    const through = rows.length < PAGE_ROWS ? above + 1 : (rows.at(-1)?.[0] ?? 1)
    return { rows, through }
  }

  return {
    page(after: Position, filter: EventFilter | undefined): Page {
      const start = numberOf(after)
      const end = head()
      if (start >= end) return { events: [], through: after, atEnd: true }
      const { rows, through } = forwards(start, filter, end)
      return { events: rows.map(decodeRow), through: positionOf(through), atEnd: through >= end }
    },

    async *readAll({ direction = 'forwards', after, filter, max = Infinity, signal }: ReadAllOptions = {}) {
      // Backwards from beyond the end starts at the end.
      const last = head() + 1
      const first = direction === 'forwards' ? 0 : last
      let at = after === undefined ? first : Math.min(numberOf(after), last)
      for (let left = max; left > 0;) {
        const end = head()
        if (signal?.aborted || (direction === 'forwards' ? at >= end : at <= 1)) return
        const { rows, through } = direction === 'forwards' ? forwards(at, filter, end) : backwards(at, filter)
        for (const row of rows.slice(0, left)) {
          if (signal?.aborted) return
          yield decodeRow(row)
        }
        left -= rows.length
        // A damaged file must not make a server read endlessly.
        if (direction === 'forwards' ? !(through > at) : !(through < at))
          throw new Error('a page of the log does not advance')
        at = through
        await turn()
      }
    },
  }
}
