import type { Checkpoints } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'

/** Places in the log, kept in the views' file. Unlike the rows beside them they are on the disk when `save` resolves. */
export function sqliteCheckpoints(database: Database): Checkpoints {
  database.exec('CREATE TABLE IF NOT EXISTS checkpoints (name TEXT PRIMARY KEY, position TEXT NOT NULL) STRICT')
  const select = database.prepare<[string], string>('SELECT position FROM checkpoints WHERE name = ?').pluck()
  const upsert = database.prepare(
    'INSERT INTO checkpoints VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET position = excluded.position',
  )
  return {
    load: async (name) => select.get(name) ?? '',
    async save(name, place) {
      database.pragma('synchronous = FULL')
      try {
        upsert.run(name, place)
      } finally {
        database.pragma('synchronous = NORMAL')
      }
    },
  }
}
