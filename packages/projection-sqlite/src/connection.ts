import type { SqlValue, ViewReader } from '@ledgate/eventsourcing'
import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3'
import { isDamage } from './damage.ts'

/** SQLite 3.7.0 to 3.51.2 could corrupt a WAL file that two connections use. */
const OLDEST_SQLITE = [3, 51, 3] as const

function assertSound(database: Database): void {
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  const difference = OLDEST_SQLITE.map((part, index) => (parts[index] ?? 0) - part).find((step) => step !== 0) ?? 0
  if (difference < 0) throw new Error(`SQLite ${version} may corrupt a WAL file; 3.51.3 is the oldest that does not`)
}

/** The version of the tables that are not part of a view. */
const LAYOUT = 1

/**
 * The only connection that writes the read models. A commit survives a crash of the process at once, and a crash of the
 * machine after the next WAL checkpoint: what is lost is replayed from the log.
 */
export function openWriter(file: string): Database {
  const database = new SqliteDatabase(file)
  try {
    assertSound(database)
    database.pragma('busy_timeout = 5000')
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = NORMAL')
    database.pragma('cache_size = -32768')
    database.pragma('wal_autocheckpoint = 16000')
    database.pragma('journal_size_limit = 67108864')
    // SQLite silently opens a file without write permission for reading only; a write fails.
    database.pragma(`user_version = ${LAYOUT}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** A read-only connection for queries, which never waits for the writer. */
export function openReadOnly(file: string): Database {
  const database = new SqliteDatabase(file, { readonly: true, fileMustExist: true })
  database.pragma('query_only = ON')
  database.pragma('cache_size = -16384')
  database.pragma('busy_timeout = 5000')
  return database
}

/** Called when the file that is read is damaged. */
export type OnDamage = (error: unknown) => void

/** Queries that continue on a new file when the first was damaged and rebuilt. */
export interface ReopenableViewReader extends ViewReader {
  /** Lets the next query open the file that now has the same name. */
  reopen(): void
}

const damageReporter = (onDamage: OnDamage) =>
  function reportDamage<Result>(read: () => Result): Result {
    try {
      return read()
    } catch (error) {
      if (isDamage(error)) onDamage(error)
      throw error
    }
  }

/** Queries over the read models in a file; statements are compiled once. */
export function openViewReader(file: string, onDamage: OnDamage = () => undefined): ReopenableViewReader {
  const reportDamage = damageReporter(onDamage)
  const open = () => {
    const database = openReadOnly(file)
    return { database, ...queriesOn(database) }
  }
  let opened = open()
  let isOld = false
  const current = () => {
    if (!isOld) return opened
    const before = opened
    opened = open()
    isOld = false
    before.database.close()
    return opened
  }
  return {
    get: (sql, ...values) => reportDamage(() => current().get(sql, ...values)),
    all: (sql, ...values) => reportDamage(() => current().all(sql, ...values)),
    snapshot: (read) => reportDamage(() => current().database.transaction(read).deferred()),
    reopen() {
      isOld = true
    },
    close: () => void opened.database.close(),
  }
}

/**
 * Queries through a connection of its own: until it is closed, all of them see the state at the first query. Writes make the
 * WAL file grow as long as it is open, so close it soon.
 */
export function openViewMoment(file: string, onDamage: OnDamage = () => undefined): ViewReader {
  const reportDamage = damageReporter(onDamage)
  const database = openReadOnly(file)
  database.exec('BEGIN')
  const { get, all } = queriesOn(database)
  return {
    get: (sql, ...values) => reportDamage(() => get(sql, ...values)),
    all: (sql, ...values) => reportDamage(() => all(sql, ...values)),
    snapshot: (read) => read(),
    close: () => void database.close(),
  }
}

function queriesOn(database: Database): Pick<ViewReader, 'get' | 'all'> {
  const statements = new Map<string, Statement<SqlValue[]>>()
  const compiled = (sql: string): Statement<SqlValue[]> => {
    const known = statements.get(sql)
    if (known !== undefined) return known
    const statement = database.prepare<SqlValue[]>(sql)
    statements.set(sql, statement)
    return statement
  }
  return {
    get: (sql, ...values) => compiled(sql).get(...values),
    all: (sql, ...values) => compiled(sql).all(...values),
  }
}
