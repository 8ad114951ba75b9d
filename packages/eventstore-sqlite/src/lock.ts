import Sqlite, { type Database } from 'better-sqlite3'

/**
 * Holds the right to write for the life of the process: an exclusive lock of the operating system on a database of its
 * own. A crash frees it, a stopped process keeps it; no clock is involved.
 *
 * @throws {Error} when another process holds it.
 */
export function takeLock(file: string): Database {
  const database = new Sqlite(file, { timeout: 0 })
  try {
    database.pragma('journal_mode = DELETE')
    database.exec('BEGIN EXCLUSIVE')
    return database
  } catch (error) {
    database.close()
    const { code } = error as { code?: string }
    if (code === 'SQLITE_BUSY')
      throw new Error(`another process writes to this event store (${file} is locked)`, { cause: error })
    throw error
  }
}
