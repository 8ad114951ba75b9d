import type { Checkpoints, EventReader } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import { AT_START, type Progress } from './build-records.ts'
import { isFromLog, isPosition, readLogEnd } from './history.ts'

export interface CheckpointOptions {
  readonly reader: EventReader
  /** Called with the reason when a stored checkpoint is ignored. */
  onDiscarded(why: string): void
}

interface Row extends Progress {
  readonly place: string
}

// Up to version 0.1 a table `checkpoints` held positions alone, without a sign of the log they belong to: those are
// deleted. A process manager that restarts from the beginning repeats nothing that matters.
const SCHEMA = `
  DROP TABLE IF EXISTS checkpoints;
  CREATE TABLE IF NOT EXISTS places (
    name TEXT PRIMARY KEY,
    place TEXT NOT NULL,
    position TEXT NOT NULL,
    before TEXT NOT NULL,
    last_id TEXT NOT NULL
  ) STRICT;
`

/**
 * Checkpoints in the file of the views. Unlike the rows of the views they are on disk when `save` resolves. Each is stored
 * with the event that was the end of the log at that time: if that event is not in the log, the log is a different one, or
 * an older copy that has diverged, and the checkpoint is not valid in it.
 */
export function openCheckpoints(database: Database, { reader, onDiscarded }: CheckpointOptions): Checkpoints {
  database.exec(SCHEMA)
  const select = database.prepare<[string], Row>(
    'SELECT place, position, before, last_id AS lastId FROM places WHERE name = ?',
  )
  const upsert = database.prepare('INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)')
  let known = AT_START

  return {
    async load(name) {
      const row = select.get(name)
      if (row === undefined) return ''
      if (await isFromLog(row, reader)) return row.place
      onDiscarded(`the checkpoint "${name}" is of another history of the log: it restarts from the beginning`)
      return ''
    },
    async save(name, position) {
      // The end moves with every event; an earlier end is enough for any position before it.
      const end = position > known.position ? await readLogEnd(reader, known) : known
      known = end
      // A stale node reports an earlier end: a checkpoint stored with that would look like one of a different log.
      if (isPosition(reader, position) && position > end.position)
        throw new Error(`the checkpoint "${name}" is not saved: the log is reported to end before it`)
      database.pragma('synchronous = FULL')
      try {
        upsert.run(name, position, end.position, end.before, end.lastId)
      } finally {
        database.pragma('synchronous = NORMAL')
      }
    },
  }
}
