import type { SqlValue, ViewReader } from '@ledgate/eventsourcing'
import SqliteDatabase, { type Database, type Statement } from 'better-sqlite3'
import { isDamage } from './damage.ts'

/** 3.7.0 to 3.51.2 could corrupt a WAL file that two connections use. */
const OLDEST_SQLITE = [3, 51, 3] as const

function assertSound(database: Database): void {
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  const difference = OLDEST_SQLITE.map((part, index) => (parts[index] ?? 0) - part).find((step) => step !== 0) ?? 0
  if (difference < 0) throw new Error(`SQLite ${version} may corrupt a WAL file; 3.51.3 is the oldest that does not`)
}

/** The layout of what is beside the views themselves. */
const LAYOUT = 1

/**
 * The one connection that writes the read models. A commit survives the death of the process at once, and that of the
 * machine at the next checkpoint: a lost tail is replayed from the log.
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
    // SQLite opens what it may not write for reading, and says nothing: a write does.
    database.pragma(`user_version = ${LAYOUT}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

/** A connection for queries: it cannot write, and reads beside the writer without waiting for it. */
export function openReadOnly(file: string): Database {
  const database = new SqliteDatabase(file, { readonly: true, fileMustExist: true })
  database.pragma('query_only = ON')
  database.pragma('cache_size = -16384')
  database.pragma('busy_timeout = 5000')
  return database
}

/** Told that what is read is damaged. */
export type OnDamage = (error: unknown) => void

/** Queries that go on by another file, when the first was damaged and built anew. */
export interface LastingViewReader extends ViewReader {
  /** Opens the file that is there now under the same name. */
  reopen(): void
}

const watching = (onDamage: OnDamage) =>
  function watched<Result>(read: () => Result): Result {
    try {
      return read()
    } catch (error) {
      if (isDamage(error)) onDamage(error)
      throw error
    }
  }

/** Queries over the read models in a file; statements are compiled once. */
export function openViewReader(file: string, onDamage: OnDamage = () => undefined): LastingViewReader {
  const watched = watching(onDamage)
  const open = () => {
    const database = openReadOnly(file)
    return { database, ...compiledOn(database) }
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
    get: (sql, ...values) => watched(() => current().get(sql, ...values)),
    all: (sql, ...values) => watched(() => current().all(sql, ...values)),
    snapshot: (read) => watched(() => current().database.transaction(read).deferred()),
    reopen() {
      isOld = true
    },
    close: () => void opened.database.close(),
  }
}

/**
 * Queries by a connection of its own: all that is read until it is closed is of the moment of the first query. What is written
 * meanwhile makes the file grow, so it is closed soon.
 */
export function openViewMoment(file: string, onDamage: OnDamage = () => undefined): ViewReader {
  const watched = watching(onDamage)
  const database = openReadOnly(file)
  database.exec('BEGIN')
  const { get, all } = compiledOn(database)
  return {
    get: (sql, ...values) => watched(() => get(sql, ...values)),
    all: (sql, ...values) => watched(() => all(sql, ...values)),
    snapshot: (read) => read(),
    close: () => void database.close(),
  }
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
