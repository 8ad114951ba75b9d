import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { Unavailable } from '@ledgate/eventsourcing'

/** The right to write, held until it is released or the process ends, however it ends. */
export interface WriterLock {
  release(): void
}

/**
 * Takes the right to write an event store: a write of a small database of its own that is never committed. The kernel
 * frees it when the process dies and keeps it while the process is stopped, which no heartbeat can tell apart. It is
 * where the file really is: one store has one lock, by whichever of its names it is opened.
 *
 * @throws {Unavailable} when somebody else holds it, or the lock cannot be written; it is named then.
 */
export function lockForWriting(file: string): WriterLock {
  const path = `${realPath(file)}-lock`
  let database: Database.Database | undefined
  try {
    database = new Database(path, { timeout: 0 })
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    // Of a file that may not be written SQLite takes a lock that keeps nobody out, and says nothing: a write tells.
    database.pragma('user_version = 1')
  } catch (error) {
    database?.close()
    throw refusal(file, path, error)
  }
  return { release: () => void database.close() }
}

function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(file)), basename(file))
}

function refusal(file: string, path: string, error: unknown): Unavailable {
  if (error instanceof Database.SqliteError && /^SQLITE_(BUSY|LOCKED)/.test(error.code))
    return new Unavailable(`${file} is open for writing in another process: only one can write an event store`, {
      cause: error,
    })
  const reason = error instanceof Error ? error.message : String(error)
  return new Unavailable(`${path} cannot be written, so nothing would keep a second writer out: ${reason}`, {
    cause: error,
  })
}
