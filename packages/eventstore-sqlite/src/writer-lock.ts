import Database from 'better-sqlite3'
import { Unavailable } from '@ledgate/eventsourcing'

/** The right to write, held until it is released or the process ends, however it ends. */
export interface WriterLock {
  release(): void
}

/**
 * Takes the right to write an event store: an exclusive transaction on a small database of its own. The kernel frees it
 * when the process dies and keeps it while the process is stopped, which no heartbeat can tell apart.
 *
 * @throws {Unavailable} when somebody else holds it, or the folder cannot be written.
 */
export function lockForWriting(file: string): WriterLock {
  const database = openLock(`${file}-lock`)
  try {
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw new Unavailable(`${file} is open for writing in another process: only one can write an event store`, {
      cause: error,
    })
  }
  return { release: () => void database.close() }
}

function openLock(file: string): Database.Database {
  try {
    const database = new Database(file, { timeout: 0 })
    return database
  } catch (error) {
    throw new Unavailable(`${file} cannot be made`, { cause: error })
  }
}
