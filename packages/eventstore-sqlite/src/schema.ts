import type Database from 'better-sqlite3'

/** The layout of the file that this version writes (`PRAGMA user_version`). */
export const SCHEMA_VERSION = 1

/** Below 3.51.3 a write-ahead log with two connections can corrupt the file (sqlite.org/wal.html#walresetbug). */
const OLDEST_SQLITE = [3, 51, 3] as const

/**
 * Streams and events are only ever inserted. The triggers refuse everything else, `INSERT OR REPLACE` too: it removes
 * rows without telling the delete trigger.
 */
const SCHEMA = `
CREATE TABLE streams (
  sid INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  category TEXT NOT NULL
) STRICT;
CREATE TABLE events (
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
CREATE TRIGGER events_never_change BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_never_go BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_replaced BEFORE INSERT ON events
  WHEN EXISTS (SELECT 1 FROM events WHERE sid = NEW.sid AND revision = NEW.revision)
    OR EXISTS (SELECT 1 FROM events WHERE position = NEW.position)
  BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER streams_never_change BEFORE UPDATE ON streams BEGIN SELECT RAISE(ABORT, 'streams are append-only'); END;
CREATE TRIGGER streams_never_go BEFORE DELETE ON streams BEGIN SELECT RAISE(ABORT, 'streams are append-only'); END;
PRAGMA user_version = ${SCHEMA_VERSION};
`

/** @throws {Error} when the SQLite inside the driver has the bug. */
export function assertSqliteVersion(database: Database.Database): void {
  const version = String(database.prepare('SELECT sqlite_version()').pluck().get())
  const parts = version.split('.').map(Number)
  const difference = OLDEST_SQLITE.map((part, index) => (parts[index] ?? 0) - part).find((step) => step !== 0) ?? 0
  if (difference < 0) throw new Error(`SQLite ${version} is too old: ${OLDEST_SQLITE.join('.')} or later is needed`)
}

/** Creates the tables in an empty file; leaves a file of this version unchanged. @throws {Error} when it has another version. */
export function prepareSchema(database: Database.Database): void {
  const version = Number(database.pragma('user_version', { simple: true }))
  if (version === 0) database.transaction(() => database.exec(SCHEMA)).immediate()
  else assertSchemaVersion(version)
}

/**
 * Writes the existing version again: SQLite silently opens a file without write permission for reading only.
 *
 * @throws {SqliteError} when the file, its folder or its write-ahead log cannot be written.
 */
export function assertWritable(database: Database.Database): void {
  database.pragma(`user_version = ${SCHEMA_VERSION}`)
}

/** @throws {Error} when the file was laid out by another version of Ledgate. */
export function assertSchemaVersion(version: number): void {
  if (version !== SCHEMA_VERSION)
    throw new Error(`the event store has layout ${version}, this version of Ledgate reads layout ${SCHEMA_VERSION}`)
}
