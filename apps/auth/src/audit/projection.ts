import type { Projection, SqlDatabase } from '@ledgate/eventsourcing'
import { z } from 'zod'
import type { AnyRecord } from '../log/index.ts'
import { actorName } from './actor.ts'
import { subjectsOf } from './subjects-of.ts'

/** Events that share one line of the index by time: 2 to this power. */
export const CHUNK_BITS = 12

/** Names remembered in memory at most. */
const REMEMBERED = 50_000

const Id = z.object({ id: z.int() })
const Count = z.object({ count: z.int() })

/** Small numbers for names that come again and again, given in the order they first came. */
function dictionary(database: SqlDatabase, table: string) {
  const select = database.prepare(`SELECT id FROM ${table} WHERE name = ?`)
  const insert = database.prepare(`INSERT INTO ${table} (name) VALUES (?) RETURNING id`)
  const known = new Map<string, number>()
  return (name: string): number => {
    const remembered = known.get(name)
    if (remembered !== undefined) return remembered
    if (known.size >= REMEMBERED) known.clear()
    const { id } = Id.parse(select.get(name) ?? insert.get(name))
    known.set(name, id)
    return id
  }
}

/** The earliest and the latest time in each chunk of events: clocks go back at times, so times are not in order. */
function timeIndex(database: SqlDatabase, table: string) {
  const widen = database.prepare(`
    INSERT INTO ${table} VALUES (?, ?, ?)
    ON CONFLICT (chunk) DO UPDATE SET earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)`)
  let pending: { chunk: number; earliest: number; latest: number } | undefined
  const flush = () => {
    if (pending) widen.run(pending.chunk, pending.earliest, pending.latest)
    pending = undefined
  }
  const add = (seq: number, at: number) => {
    const chunk = Math.floor(seq / 2 ** CHUNK_BITS)
    if (pending?.chunk !== chunk) flush()
    pending ??= { chunk, earliest: at, latest: at }
    if (at < pending.earliest) pending.earliest = at
    else if (at > pending.latest) pending.latest = at
  }
  return { add, flush }
}

/**
 * Where in the log every event is, by who did it, whom it is about, its type and its time. `seq` counts all events from
 * 1 without a gap, so that every index grows at the ends of its lists; ids of tokens and grants are not indexed.
 */
export const audit: Projection<AnyRecord> & { readonly name: 'audit' } = {
  name: 'audit',
  version: 1,
  schema: (table) => `
    CREATE TABLE ${table('audit')} (
      seq INTEGER PRIMARY KEY,
      position TEXT NOT NULL,
      type INTEGER NOT NULL,
      actor INTEGER NOT NULL,
      at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX ${table('audit_by_type')} ON ${table('audit')} (type);
    CREATE INDEX ${table('audit_by_actor')} ON ${table('audit')} (actor);
    CREATE TABLE ${table('audit_about')} (
      subject INTEGER NOT NULL,
      seq INTEGER NOT NULL,
      PRIMARY KEY (subject, seq)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE ${table('audit_time')} (chunk INTEGER PRIMARY KEY, earliest INTEGER NOT NULL, latest INTEGER NOT NULL) STRICT;
    CREATE TABLE ${table('audit_types')} (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE ${table('audit_actors')} (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
    CREATE TABLE ${table('audit_subjects')} (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  `,
  prepare(database, table) {
    const insert = database.prepare(`INSERT INTO ${table('audit')} VALUES (?, ?, ?, ?, ?)`)
    const about = database.prepare(`INSERT INTO ${table('audit_about')} VALUES (?, ?)`)
    const time = timeIndex(database, table('audit_time'))
    const types = dictionary(database, table('audit_types'))
    const actors = dictionary(database, table('audit_actors'))
    const subjects = dictionary(database, table('audit_subjects'))
    const count = database.prepare(`SELECT coalesce(max(seq), 0) AS count FROM ${table('audit')}`)
    let seq = Count.parse(count.get()).count

    return {
      every(recorded, event) {
        seq += 1
        const { position, type, created, metadata } = recorded
        insert.run(seq, position, types(type), actors(actorName(metadata)), created)
        for (const subject of subjectsOf(recorded.stream, event)) about.run(subjects(subject), seq)
        time.add(seq, created)
      },
      flush: time.flush,
    }
  },
}
