import { createHash } from 'node:crypto'
import { type Position, START } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'

/** How far a build has come: the position and id of its last event, and the position before that. */
export interface Progress {
  readonly position: Position
  /** Reading after this position returns the last event again. */
  readonly before: Position
  /** The id of the last event; empty when there is none. */
  readonly lastId: string
}

export const AT_START: Progress = { position: START, before: START, lastId: '' }

/** One set of tables of a projection. */
export interface BuildRecord extends Progress {
  readonly id: number
  readonly name: string
  readonly version: number
  /** The shape of the projection when the build was created. */
  readonly fingerprint: string
  /** The names of its tables, by the names its schema gives them. */
  readonly tables: Readonly<Record<string, string>>
  /** Whether queries read this build. */
  readonly served: boolean
}

interface Row extends Omit<BuildRecord, 'tables' | 'served'> {
  readonly tables: string
  readonly served: number
}

/** The builds of the file, and which of them are served. */
export interface BuildRecords {
  all(): readonly BuildRecord[]
  /** Creates the tables of a new, empty build. */
  create(build: NewBuild): BuildRecord
  /**
   * Moves the progress of a build from where the projector believes it to be.
   *
   * @throws {Error} when it is elsewhere: another projector writes this file.
   */
  saveProgress(id: number, from: Progress, to: Progress): void
  /** Lets queries read this build from now on. Atomic; the build served before stays on disk until it is dropped. */
  serve(record: BuildRecord): void
  drop(record: BuildRecord): void
}

export interface NewBuild {
  readonly name: string
  readonly version: number
  readonly fingerprint: string
  schema(table: (name: string) => string): string
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS projection_builds (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    fingerprint TEXT NOT NULL,
    tables TEXT NOT NULL,
    position TEXT NOT NULL,
    before TEXT NOT NULL,
    last_id TEXT NOT NULL,
    served INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX IF NOT EXISTS projection_builds_served ON projection_builds(name) WHERE served = 1;
`

/** Distinguishes two shapes of one version: by its tables and the types of events it handles. */
export function fingerprintOf(schema: string, handled: readonly string[]): string {
  return createHash('sha256')
    .update(JSON.stringify([schema, [...handled].sort()]))
    .digest('hex')
}

/** @param database the writing connection. */
export function openBuildRecords(database: Database): BuildRecords {
  database.exec(SCHEMA)
  const select = database.prepare<[], Row>(
    'SELECT id, name, version, fingerprint, tables, position, before, last_id AS lastId, served FROM projection_builds ORDER BY id',
  )
  const insert = database.prepare(
    "INSERT INTO projection_builds (name, version, fingerprint, tables, position, before, last_id, served) VALUES (?, ?, ?, '{}', '', '', '', 0)",
  )
  const setTables = database.prepare('UPDATE projection_builds SET tables = ? WHERE id = ?')
  const progress = database.prepare(
    'UPDATE projection_builds SET position = ?, before = ?, last_id = ? WHERE id = ? AND position = ?',
  )
  const unserve = database.prepare('UPDATE projection_builds SET served = 0 WHERE name = ?')
  const serve = database.prepare('UPDATE projection_builds SET served = 1 WHERE id = ?')
  const remove = database.prepare('DELETE FROM projection_builds WHERE id = ?')
  const isTable = database.prepare("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?")

  const find = (name: string) => select.all().filter((row) => row.name === name && row.served === 1)
  const dropViews = (tables: Readonly<Record<string, string>>) => {
    for (const table of Object.keys(tables)) database.exec(`DROP VIEW IF EXISTS "${table}"`)
  }

  return {
    all: () => select.all().map(recordOf),

    create: database.transaction(({ name, version, fingerprint, schema }: NewBuild): BuildRecord => {
      const id = Number(insert.run(name, version, fingerprint).lastInsertRowid)
      const named = new Set<string>()
      database.exec(
        schema((table) => {
          named.add(table)
          return tableName(table, { version, id })
        }),
      )
      const tables = Object.fromEntries(
        [...named]
          .map((table) => [table, tableName(table, { version, id })] as const)
          .filter(([, inFile]) => isTable.get(inFile) !== undefined),
      )
      setTables.run(JSON.stringify(tables), id)
      return { id, name, version, fingerprint, tables, served: false, ...AT_START }
    }),

    saveProgress(id, from, { position, before, lastId }) {
      const { changes } = progress.run(position, before, lastId, id, from.position)
      if (changes !== 1) throw new Error('another projector writes these read models')
    },

    serve: database.transaction((record: BuildRecord) => {
      for (const row of find(record.name)) dropViews(recordOf(row).tables)
      unserve.run(record.name)
      serve.run(record.id)
      for (const [table, inFile] of Object.entries(record.tables))
        database.exec(`CREATE VIEW "${table}" AS SELECT * FROM "${inFile}"`)
    }),

    drop: database.transaction((record: BuildRecord) => {
      for (const row of find(record.name)) if (row.id === record.id) dropViews(record.tables)
      for (const inFile of Object.values(record.tables)) database.exec(`DROP TABLE IF EXISTS "${inFile}"`)
      remove.run(record.id)
    }),
  }
}

/** The name of a table in one build: the version identifies its shape, the id of the build makes it unique. */
export const tableName = (table: string, { version, id }: { version: number; id: number }): string =>
  `${table}_v${version}_${id}`

function recordOf({ tables, served, ...row }: Row): BuildRecord {
  return { ...row, tables: JSON.parse(tables), served: served === 1 }
}
