import { keptPosition, type SqlValue, type ViewReader } from '@ledgate/eventsourcing'
import { z } from 'zod'
import { actorText } from './actor.ts'
import { CHUNK_BITS } from './projection.ts'
import { type Actor, type AnyRecord, type EventLog } from '../log/index.ts'
import { limitOf } from '../projection/index.ts'

/** Which events; every condition holds. Default: newest first. */
export interface AuditQuery {
  readonly actor?: Actor | undefined
  /** A `sub` or a `client_id`; for an event about neither, the name of its stream. */
  readonly subject?: string | undefined
  readonly type?: string | undefined
  /** Milliseconds since the epoch: from `since` (inclusive) to `until` (exclusive). */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** Goes on after this event, in the order asked for. */
  readonly after?: string | undefined
  readonly limit?: number | undefined
  readonly order?: 'newest' | 'oldest' | undefined
}

/** Where an event is. The log holds the rest: it is the first event after `before`. */
export interface AuditEntry {
  readonly position: string
  readonly before: string
  readonly type: string
  /** The type and the id of who did it. */
  readonly actor: string
  /** When it was written, in milliseconds since the epoch. */
  readonly at: number
}

export interface AuditPage {
  readonly entries: readonly AuditEntry[]
  /** Where to go on; `undefined` at the end. A page may be short, even empty, and still have more behind it. */
  readonly next: string | undefined
}

export interface AuditQueries {
  query(query?: AuditQuery): AuditPage
}

/** Looks into the index that one question may cost: queries run between requests. */
const MAX_LOOKS = 3_000

const Seq = z.object({ seq: z.int().nullable() })
const Id = z.object({ id: z.int() }).optional()
const Time = z.object({ at: z.int() })
const At = z.object({ position: z.string() })
const Entries = z.array(
  z.object({ position: z.string(), before: z.string(), type: z.string(), actor: z.string(), at: z.int() }),
)

/** Events by their numbers, in the order asked for. */
const ENTRIES = `
  SELECT a.position, coalesce((SELECT p.position FROM audit p WHERE p.seq = a.seq - 1), '') AS before,
    t.name AS type, w.name AS actor, a.at
  FROM json_each(?) wanted CROSS JOIN audit a ON a.seq = wanted.value
    CROSS JOIN audit_types t ON t.id = a.type CROSS JOIN audit_actors w ON w.id = a.actor
  ORDER BY wanted.key`

/** The nearest event at or beyond a place, in one direction, that a condition holds for. */
type Posting = (from: number) => number | undefined

/** How to go through the index: down from the newest, or up from the oldest. */
interface Way {
  readonly step: 1 | -1
  readonly pick: 'min' | 'max'
  readonly compare: '>=' | '<='
}
const DOWN: Way = { step: -1, pick: 'max', compare: '<=' }
const UP: Way = { step: 1, pick: 'min', compare: '>=' }

export function auditQueries(reader: ViewReader): AuditQueries {
  const seqOf = (sql: string, ...values: SqlValue[]) => Seq.parse(reader.get(sql, ...values)).seq ?? undefined

  /** The posting list of a name; `undefined` when no event has it. */
  function posting(way: Way, list: { dictionary: string; name: string; table: string; column: string }) {
    const found = Id.parse(reader.get(`SELECT id FROM ${list.dictionary} WHERE name = ?`, list.name))
    if (found === undefined) return undefined
    const sql = `SELECT ${way.pick}(seq) AS seq FROM ${list.table} WHERE ${list.column} = ? AND seq ${way.compare} ?`
    return (from: number) => seqOf(sql, found.id, from)
  }

  function postings({ actor, subject, type }: AuditQuery, way: Way): readonly (Posting | undefined)[] {
    const lists = [
      { dictionary: 'audit_subjects', name: subject, table: 'audit_about', column: 'subject' },
      { dictionary: 'audit_types', name: type, table: 'audit', column: 'type' },
      { dictionary: 'audit_actors', name: actor && actorText(actor), table: 'audit', column: 'actor' },
    ]
    return lists.flatMap(({ name, ...list }) => (name === undefined ? [] : [posting(way, { name, ...list })]))
  }

  /** The number of the last event up to a position. Numbers have no gaps, and positions rise with them. */
  function lastUpTo(position: string): number {
    let low = 0
    let high = seqOf('SELECT max(seq) AS seq FROM audit') ?? 0
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (positionOf(middle) <= position) low = middle
      else high = middle - 1
    }
    return low
  }

  /** The first and the last number that can hold what is asked for. */
  function bounds({ since, until, after, order }: AuditQuery): readonly [number, number] {
    let [first, last] = [1, seqOf('SELECT max(seq) AS seq FROM audit') ?? 0]
    if (since !== undefined) {
      const chunk = seqOf('SELECT min(chunk) AS seq FROM audit_time WHERE latest >= ?', since)
      first = chunk === undefined ? last + 1 : Math.max(first, chunk * 2 ** CHUNK_BITS)
    }
    if (until !== undefined) {
      const chunk = seqOf('SELECT max(chunk) AS seq FROM audit_time WHERE earliest < ?', until)
      last = chunk === undefined ? 0 : Math.min(last, (chunk + 1) * 2 ** CHUNK_BITS - 1)
    }
    if (after === undefined) return [first, last]
    const seen = lastUpTo(after)
    if (order === 'oldest') return [Math.max(first, seen + 1), last]
    const isThere = seen > 0 && positionOf(seen) === after
    return [first, Math.min(last, isThere ? seen - 1 : seen)]
  }

  const positionOf = (seq: number) => At.parse(reader.get('SELECT position FROM audit WHERE seq = ?', seq)).position

  const entriesOf = (seqs: readonly number[]) => Entries.parse(reader.all(ENTRIES, JSON.stringify(seqs)))

  function isInTime(seq: number, { since = -Infinity, until = Infinity }: AuditQuery): boolean {
    const { at } = Time.parse(reader.get('SELECT at FROM audit WHERE seq = ?', seq))
    return at >= since && at < until
  }

  function answer(query: AuditQuery): AuditPage {
    const way = query.order === 'oldest' ? UP : DOWN
    const asked = postings(query, way)
    const lists = asked.filter((list) => list !== undefined)
    if (lists.length < asked.length) return { entries: [], next: undefined }
    const [first, last] = bounds(query)
    const limit = limitOf(query.limit)
    const isTimed = query.since !== undefined || query.until !== undefined
    const found: number[] = []
    const isInside = (seq: number) => seq >= first && seq <= last
    let at: number | undefined = way === UP ? first : last
    for (let looks = 0; at !== undefined && isInside(at); looks += 1 + lists.length) {
      if (found.length === limit || looks > MAX_LOOKS)
        return { entries: entriesOf(found), next: positionOf(at - way.step) }
      const agreed = agree(lists, at)
      if (agreed === at) {
        if (!isTimed || isInTime(at, query)) found.push(at)
        at += way.step
      } else at = agreed
    }
    return { entries: entriesOf(found), next: undefined }
  }

  return { query: (query = {}) => reader.snapshot(() => answer(query)) }
}

/** `at` when every list has it, else a place farther on before which they have nothing in common. */
function agree(lists: readonly Posting[], at: number): number | undefined {
  for (const list of lists) {
    const nearest = list(at)
    if (nearest !== at) return nearest
  }
  return at
}

/** The events that entries stand for, as the log holds them; those of a type unknown here are left out. */
export async function eventsOf(
  { store, decode }: Pick<EventLog, 'store' | 'decode'>,
  entries: readonly AuditEntry[],
): Promise<readonly AnyRecord[]> {
  const events = await Promise.all(
    entries.map(async ({ before }) => {
      for await (const recorded of store.readAll({ after: keptPosition(store, before), max: 1 }))
        return decode(recorded)
      return undefined
    }),
  )
  return events.filter((event) => event !== undefined)
}
