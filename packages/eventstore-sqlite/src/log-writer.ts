import Database from 'better-sqlite3'
import { categoryOf, checkExpectation, type EncodedEvent } from '@ledgate/eventsourcing'
import { createTwoGenerationCache } from './two-generation-cache.ts'
import { createCheckpointer } from './checkpointer.ts'
import type { AppendOutcome, AppendRequest } from './messages.ts'
import { assertSqliteVersion, assertWritable, prepareSchema } from './schema.ts'

/** The only connection that writes. */
export interface LogWriter {
  /** Commits all appends as one durable transaction; each is checked on its own. @throws {CommitFailure} */
  commit(appends: Iterable<AppendRequest>): readonly AppendOutcome[]
  /** Copies committed pages from the write-ahead log into the file when there are enough of them. */
  tidy(): void
  head(): number
  close(): void
}

/** A batch was not committed, or its outcome is unknown. */
export class CommitFailure extends Error {
  readonly outcome: 'nothing written' | 'unknown' | 'busy'

  constructor(outcome: 'nothing written' | 'unknown' | 'busy', cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause })
    this.outcome = outcome
  }
}

interface StreamEnd {
  readonly sid: number
  readonly last: number
}

const STREAM_ENDS_KEPT = 50_000
const RECENT_IDS_KEPT = 20_000
const BUSY_TIMEOUT_MS = 5_000

/** Opens the file for writing, creates it if needed, and recovers what a crash left in its write-ahead log. */
export function openLogWriter(file: string): LogWriter {
  const database = new Database(file, { timeout: BUSY_TIMEOUT_MS })
  assertSqliteVersion(database)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  prepareSchema(database)
  assertWritable(database)
  const transaction = transactionOn(database)
  const checkpoints = createCheckpointer(database)
  const write = appendTo(database)
  return {
    commit: (appends) => transaction(() => Array.from(appends, write)),
    tidy: checkpoints.afterCommit,
    head: () => Number(database.prepare('SELECT coalesce(max(position), 0) FROM events').pluck().get()),
    close() {
      checkpoints.beforeClose()
      database.close()
    },
  }
}

function transactionOn(database: Database.Database) {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const run = <Result>(step: () => Result, outcome: CommitFailure['outcome']): Result => {
    try {
      return step()
    } catch (error) {
      if (database.inTransaction) rollBack(database)
      throw new CommitFailure(outcome, error)
    }
  }
  return <Result>(body: () => Result): Result => {
    try {
      begin.run()
    } catch (error) {
      throw new CommitFailure(isBusy(error) ? 'busy' : 'nothing written', error)
    }
    const result = run(body, 'nothing written')
    run(() => commit.run(), 'unknown')
    return result
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY')

/** After an I/O error SQLite may have rolled back already; the first error is the one to report. */
function rollBack(database: Database.Database): void {
  try {
    database.exec('ROLLBACK')
  } catch {
    return
  }
}

/** Checks and inserts one append. The ends of streams are cached, because there is no other writer. */
function appendTo(database: Database.Database): (append: AppendRequest) => AppendOutcome {
  const find = database.prepare<[string], { sid: number; last: number }>(
    `SELECT sid, (SELECT coalesce(max(revision), -1) FROM events WHERE events.sid = streams.sid) AS last
     FROM streams WHERE name = ?`,
  )
  const at = database.prepare<[number, number], { id: string; position: number }>(
    'SELECT id, position FROM events WHERE sid = ? AND revision = ?',
  )
  const insertStream = database.prepare<[string, string]>('INSERT INTO streams (name, category) VALUES (?, ?)')
  const insertEvent = database.prepare<[number, number, string, string, string, string, number]>(
    'INSERT INTO events (sid, revision, id, type, data, metadata, created) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  const ends = createTwoGenerationCache<StreamEnd>(STREAM_ENDS_KEPT)
  const recent = createTwoGenerationCache<number>(RECENT_IDS_KEPT)

  const endOf = (stream: string): StreamEnd | undefined => ends.get(stream) ?? find.get(stream)

  const write = ({ stream, events, created }: AppendRequest, end: StreamEnd | undefined): AppendOutcome => {
    const sid = end?.sid ?? Number(insertStream.run(stream, categoryOf(stream)).lastInsertRowid)
    let revision = end?.last ?? -1
    let position = 0
    for (const { id, type, data, metadata } of events) {
      revision += 1
      position = Number(insertEvent.run(sid, revision, id, type, data, metadata, created).lastInsertRowid)
      recent.set(idIn(stream, id), revision)
    }
    ends.set(stream, { sid, last: revision })
    return { kind: 'written', revision, position }
  }

  return (append) => {
    const end = endOf(append.stream)
    const verdict = checkExpectation(append.expected, append.events.map(idOf), {
      last: end?.last ?? -1,
      idAt: (revision) => end && at.get(end.sid, revision)?.id,
      recentRevision: (id) => recent.get(idIn(append.stream, id)),
    })
    switch (verdict.kind) {
      case 'write':
        return write(append, end)
      case 'conflict':
        return { kind: 'conflict', revision: end?.last ?? -1, position: 0 }
      case 'repeat':
        return {
          kind: 'repeated',
          revision: verdict.revision,
          position: (end && at.get(end.sid, verdict.revision)?.position) ?? 0,
        }
    }
  }
}

const idOf = ({ id }: EncodedEvent): string => id
const idIn = (stream: string, id: string): string => `${id} ${stream}`
