import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import Database from 'better-sqlite3'
import { Unavailable } from '@ledgate/eventsourcing'

/** The exclusive right to write, held until it is released or the process ends. */
export interface WriterLock {
  release(): void
}

/**
 * Takes the exclusive right to write an event store: an uncommitted write to a small database beside it. The kernel releases it
 * when the process dies and keeps it while the process is suspended, which a heartbeat could not distinguish. The lock is
 * beside the real file, so a store has one lock even if links lead to it.
 *
 * @throws {Unavailable} when another process holds it, or the lock cannot be written; the message names the file.
 */
export function lockForWriting(file: string): WriterLock {
  const path = `${realPath(file)}-lock`
  let database: Database.Database | undefined
  try {
    database = new Database(path, { timeout: 0 })
    database.pragma('journal_mode = MEMORY')
    database.exec('BEGIN EXCLUSIVE')
    // On a file without write permission SQLite silently takes a lock that excludes no one; a write fails.
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
  return new Unavailable(`${path} cannot be written, so a second writer could not be excluded: ${reason}`, {
    cause: error,
  })
}
