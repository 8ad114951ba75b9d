import { createHash, type Hash } from 'node:crypto'
import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { categoryOf, type Position, Unavailable } from '@ledgate/eventsourcing'
import { numberOf, positionOf } from './records.ts'
import { assertSchemaVersion, prepareSchema } from './schema.ts'

/** A prefix of a log. */
export interface LogPart {
  /** The position of its last event; `START` if there is none. */
  readonly position: Position
  readonly events: number
  /** SHA-256 over every event in order, with its position and time: equal prefixes have equal digests. */
  readonly digest: string
}

export interface CopyLogOptions {
  readonly from: string
  /** A file that does not exist yet; it appears complete or not at all. */
  readonly to: string
  /** The position of the last event to copy; default: the end of the log when the copy starts. */
  readonly upTo?: Position
  /** Milliseconds of pause after each chunk, to leave the disk to other work; default: 10. */
  readonly restMs?: number
}

type Row = readonly [number, number, number, string, string, string, string, number, string]

const CHUNK = 400
const REST_MS = 10
/** Chunks between two syncs: large amounts of unsynced data would delay the fsync of the server's commits. */
const SYNC_EVERY = 4
const READ = `
  SELECT e.position, e.sid, e.revision, e.id, e.type, e.data, e.metadata, e.created, s.name
  FROM events e JOIN streams s ON s.sid = e.sid WHERE e.position > ? AND e.position <= ? ORDER BY e.position LIMIT ${CHUNK}`

function openForReading(file: string): Database.Database {
  try {
    const database = new Database(file, { readonly: true, fileMustExist: true })
    assertSchemaVersion(Number(database.pragma('user_version', { simple: true })))
    return database
  } catch (error) {
    throw new Unavailable(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

/** Turns an error of SQLite into `Unavailable`; keeps all others. */
const asUnavailable = (error: unknown, what: string): unknown =>
  error instanceof Database.SqliteError ? new Unavailable(`${what}: ${error.message}`, { cause: error }) : error

/** The events of a log in chunks; each is read in a transaction of its own, because events never change. */
function* chunks(database: Database.Database, upTo: Position | undefined): Generator<readonly Row[], void> {
  try {
    const head = Number(database.prepare('SELECT coalesce(max(position), 0) FROM events').pluck().get())
    const last = upTo === undefined ? head : Math.min(head, numberOf(upTo))
    const read = database.prepare<[number, number], Row>(READ).raw()
    for (let after = 0; ;) {
      const rows = read.all(after, last)
      if (rows.length === 0) return
      yield rows
      after = rows.at(-1)?.[0] ?? last
    }
  } catch (error) {
    throw asUnavailable(error, `${database.name} cannot be read`)
  }
}

function add(hash: Hash, rows: readonly Row[]): void {
  for (const [position, , revision, id, type, data, metadata, created, stream] of rows)
    hash.update(`${JSON.stringify([position, stream, revision, id, type, data, metadata, created])}\n`)
}

/** Reads a log up to a position and returns what it contains. */
async function readThrough(
  file: string,
  { upTo, restMs }: Pick<CopyLogOptions, 'upTo' | 'restMs'>,
  take: (rows: readonly Row[]) => void,
): Promise<LogPart> {
  const database = openForReading(file)
  const hash = createHash('sha256')
  let [events, last] = [0, 0]
  try {
    for (const rows of chunks(database, upTo)) {
      add(hash, rows)
      take(rows)
      events += rows.length
      last = rows.at(-1)?.[0] ?? last
      await pause(restMs ?? REST_MS)
    }
  } finally {
    database.close()
  }
  return { position: positionOf(last), events, digest: hash.digest('hex') }
}

/** Computes the digest of a log up to a position. @throws {Unavailable} when there is no event store in the file. */
export const digestLog = (file: string, upTo?: Position): Promise<LogPart> =>
  readThrough(file, { restMs: 0, ...(upTo !== undefined && { upTo }) }, () => undefined)

function syncAndRename(draft: string, to: string): void {
  for (const path of [draft, dirname(to)]) {
    const handle = openSync(path, 'r')
    fsyncSync(handle)
    closeSync(handle)
    if (path === draft) renameSync(draft, to)
  }
}

/**
 * Copies a log while it is written to, from the start up to a position. No writer is stopped or locked: events never change, so
 * the copy equals the log at the time when its last event was the newest.
 *
 * @throws {Unavailable} when there is no event store in the file, or no room for the copy.
 */
export async function copyLog({ from, to, ...options }: CopyLogOptions): Promise<LogPart> {
  const draft = `${to}.partial`
  rmSync(draft, { force: true })
  const target = new Database(draft)
  try {
    // The draft has no readers, and is deleted after a crash.
    target.pragma('journal_mode = OFF')
    target.pragma('synchronous = OFF')
    prepareSchema(target)
    const stream = target.prepare('INSERT OR IGNORE INTO streams VALUES (?, ?, ?)')
    const event = target.prepare('INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    const insert = target.transaction((rows: readonly Row[]) => {
      for (const [position, sid, revision, id, type, data, metadata, created, name] of rows) {
        if (revision === 0) stream.run(sid, name, categoryOf(name))
        event.run(position, sid, revision, id, type, data, metadata, created)
      }
    })
    const handle = openSync(draft, 'r+')
    let count = 0
    const part = await readThrough(from, options, (rows) => {
      insert(rows)
      if (options.restMs !== 0 && (count += 1) % SYNC_EVERY === 0) fdatasyncSync(handle)
    })
    closeSync(handle)
    target.close()
    syncAndRename(draft, to)
    return part
  } catch (error) {
    target.close()
    rmSync(draft, { force: true })
    throw asUnavailable(error, `${to} cannot be written`)
  }
}
