import type { SqlValue, ViewReader } from '@ledgate/eventsourcing'
import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3'

/** 3.7.0 to 3.51.2 could corrupt a WAL file that two connections use. */
const OLDEST_SQLITE = [3, 51, 3] as const

function assertSound(database: Database): void {
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  const difference = OLDEST_SQLITE.map((part, index) => (parts[index] ?? 0) - part).find((step) => step !== 0) ?? 0
  if (difference < 0) throw new Error(`SQLite ${version} may corrupt a WAL file; 3.51.3 is the oldest that does not`)
}

/**
 * The one connection that writes the read models. A commit survives the death of the process at once, and that of the
 * machine at the next checkpoint: a lost tail is replayed from the log.
 */
export function openWriter(file: string): Database {
  const database = new SqliteDatabase(file)
  assertSound(database)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = NORMAL')
  database.pragma('cache_size = -32768')
  database.pragma('wal_autocheckpoint = 16000')
  database.pragma('journal_size_limit = 67108864')
  database.pragma('busy_timeout = 5000')
  return database
}

/** A connection for queries: it cannot write, and reads beside the writer without waiting for it. */
export function openReadOnly(file: string): Database {
  const database = new SqliteDatabase(file, { readonly: true, fileMustExist: true })
  database.pragma('query_only = ON')
  database.pragma('cache_size = -16384')
  database.pragma('busy_timeout = 5000')
  return database
}

/** Queries over the read models in a file; statements are compiled once. */
export function openViewReader(file: string): ViewReader {
  const database = openReadOnly(file)
  const { get, all } = compiledOn(database)
  return {
    get,
    all,
    snapshot: (read) => database.transaction(read).deferred(),
    close: () => void database.close(),
  }
}

/**
 * Queries by a connection of its own: all that is read until it is closed is of the moment of the first query. What is written
 * meanwhile makes the file grow, so it is closed soon.
 */
export function openViewMoment(file: string): ViewReader {
  const database = openReadOnly(file)
  database.exec('BEGIN')
  const { get, all } = compiledOn(database)
  return { get, all, snapshot: (read) => read(), close: () => void database.close() }
}

function compiledOn(database: Database): Pick<ViewReader, 'get' | 'all'> {
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
