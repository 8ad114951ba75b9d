import type { Checkpoints, EventReader } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import { AT_START, type Progress } from './build-records.ts'
import { belongs, endOf, isPlaceOf } from './history.ts'

export interface CheckpointOptions {
  readonly reader: EventReader
  /** Told why a place that was kept is not believed. */
  onDiscarded(why: string): void
}

interface Row extends Progress {
  readonly place: string
}

// Up to version 0.1 a table `checkpoints` had places alone, and nobody could tell which log they were of: those are
// forgotten once. Whoever starts over does nothing twice that matters.
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
 * Places in the log, kept in the views' file. Unlike the rows beside them they are on the disk when `save` resolves. Each
 * is kept with the event that was then the end of the log: where that is not in the log, the log is another one, or an
 * older copy that went on by itself, and the place means nothing in it.
 */
export function sqliteCheckpoints(database: Database, { reader, onDiscarded }: CheckpointOptions): Checkpoints {
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
      if (await belongs(row, reader)) return row.place
      onDiscarded(`the place of "${name}" is of another history of the log: it begins at the start`)
      return ''
    },
    async save(name, place) {
      // The end moves with every event; the one that is known will do for any place before it.
      const end = place > known.position ? await endOf(reader, known) : known
      known = end
      // A node that was left behind says an end of before: a place kept with that could pass for one of another log.
      if (isPlaceOf(reader, place) && place > end.position)
        throw new Error(`the place of "${name}" is not kept: the log is said to end before it`)
      database.pragma('synchronous = FULL')
      try {
        upsert.run(name, place, end.position, end.before, end.lastId)
      } finally {
        database.pragma('synchronous = NORMAL')
      }
    },
  }
}
