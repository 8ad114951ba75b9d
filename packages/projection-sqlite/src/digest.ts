import { createHash, type Hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { Position, ProjectionDigest } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import { openReadOnly } from './connection.ts'

const ROWS_PER_TURN = 5_000

interface ServedBuild {
  readonly tables: string
  readonly position: Position
}

/**
 * The digest of the served build at one moment: the rows of each table in the order of their primary key. Reads through a
 * connection of its own, and yields to other work between batches of rows.
 *
 * @throws {Error} when no projection has the name.
 */
export async function computeDigest(file: string, name: string): Promise<ProjectionDigest> {
  const database = openReadOnly(file)
  try {
    database.exec('BEGIN')
    const build = database
      .prepare<[string], ServedBuild>('SELECT tables, position FROM projection_builds WHERE name = ? AND served = 1')
      .get(name)
    if (build === undefined) throw new Error(`no projection is called ${name}`)
    const hash = createHash('sha256')
    let rows = 0
    const tables: Record<string, string> = JSON.parse(build.tables)
    for (const table of Object.keys(tables).sort()) {
      hash.update(JSON.stringify([table]))
      rows += await hashTable(database, String(tables[table]), hash)
    }
    return { digest: hash.digest('hex'), position: build.position, rows }
  } finally {
    database.close()
  }
}

async function hashTable(database: Database, table: string, hash: Hash): Promise<number> {
  const key = database
    .prepare<[string], string>('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk')
    .pluck()
    .all(table)
  if (key.length === 0) throw new Error(`table ${table} has no primary key to order its rows by`)
  const order = key.map((column) => `"${column}"`).join(', ')
  const select = database.prepare<[], unknown[]>(`SELECT * FROM "${table}" ORDER BY ${order}`).raw()
  let rows = 0
  let lines: string[] = []
  for (const row of select.iterate()) {
    lines.push(JSON.stringify(row))
    rows += 1
    if (lines.length < ROWS_PER_TURN) continue
    hash.update(lines.join('\n'))
    lines = []
    await turn()
  }
  hash.update(lines.join('\n')).update(`\n${rows}\n`)
  return rows
}
