import type { Database } from 'better-sqlite3'

/** Older libraries can corrupt a write-ahead log that two connections use (sqlite.org/wal.html#walresetbug). */
const OLDEST_SOUND = [3, 51, 3]

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS streams (
    sid INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;
  CREATE TABLE IF NOT EXISTS events (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    sid INTEGER NOT NULL REFERENCES streams,
    revision INTEGER NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (sid, revision)
  ) STRICT;
  CREATE TRIGGER IF NOT EXISTS events_never_change BEFORE UPDATE ON events
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS events_never_go BEFORE DELETE ON events
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS streams_never_change BEFORE UPDATE ON streams
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
  CREATE TRIGGER IF NOT EXISTS streams_never_go BEFORE DELETE ON streams
    BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;
`

/**
 * Refuses a SQLite that can lose what it acknowledged.
 *
 * @throws {Error} when the library is older than 3.51.3.
 */
export function assertSound(database: Database): void {
  const version = database.prepare('SELECT sqlite_version()').pluck().get() as string
  const numbers = version.split('.').map(Number)
  const difference = OLDEST_SOUND.map((oldest, index) => (numbers[index] ?? 0) - oldest).find((each) => each !== 0) ?? 0
  if (difference < 0) throw new Error(`SQLite ${version} can corrupt its write-ahead log; 3.51.3 or newer is needed`)
}

/** Makes a connection one that writes durably: an append that was answered survives a power cut. */
export function prepareForWriting(database: Database): void {
  assertSound(database)
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('foreign_keys = ON')
  database.pragma('wal_autocheckpoint = 4000')
  database.pragma('journal_size_limit = 67108864')
  database.exec(SCHEMA)
}
