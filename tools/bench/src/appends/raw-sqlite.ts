/**
 * Limit: better-sqlite3 alone. Rows of an event's size in transactions of a fixed number, WAL, synchronous=FULL, and the
 * one index a log cannot do without. No check, no thread, no caller to answer. Argument: the folder.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { histogram } from '../load/histogram.ts'
import { DATA, METADATA } from './payload.ts'
import { writeForParent, written } from './writing.ts'

const database = new Database(join(process.argv[2] ?? '', 'raw.db'))
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec(`CREATE TABLE events (
  position INTEGER PRIMARY KEY, stream TEXT NOT NULL, revision INTEGER NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL,
  data TEXT NOT NULL, metadata TEXT NOT NULL, created INTEGER NOT NULL, UNIQUE (stream, revision)
) STRICT`)
const insert = database.prepare(
  'INSERT INTO events (stream, revision, id, type, data, metadata, created) VALUES (?, 0, ?, ?, ?, ?, ?)',
)
const [data, metadata] = [JSON.stringify(DATA), JSON.stringify(METADATA)]

const commit = database.transaction((rows: number) => {
  for (let row = 0; row < rows; row += 1) {
    insert.run(`bench-${randomUUID()}`, randomUUID(), 'TokenIssued', data, metadata, Date.now())
  }
})

writeForParent(async ({ batch, durationMs }) => {
  const latencies = histogram()
  const began = performance.now()
  let now = began
  while (now < began + durationMs) {
    commit.immediate(batch)
    const finished = performance.now()
    for (let row = 0; row < batch; row += 1) latencies.add(finished - now)
    now = finished
  }
  return written(latencies, now - began)
})
