import { judge } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import type { AppendAnswer, AppendRequest } from './protocol.ts'

/** How many ids of events are remembered for appends with `any` and `exists`. */
const RECENT_IDS = 50_000
/** How many streams are remembered with their last revision. */
const KNOWN_STREAMS = 100_000

interface Stream {
  readonly sid: number
  last: number
}

/** A map that forgets its oldest entries. */
function boundedMap<Value>(limit: number) {
  const entries = new Map<string, Value>()
  return {
    get: (key: string) => entries.get(key),
    set(key: string, value: Value) {
      entries.set(key, value)
      if (entries.size <= limit) return
      for (const oldest of entries.keys()) {
        entries.delete(oldest)
        return
      }
    },
    clear: () => entries.clear(),
  }
}

/** Writes batches of appends. Nothing else may write to the database. */
export interface BatchWriter {
  /** Writes a batch inside a transaction that is open; it is up to the caller to commit, and only then to answer. */
  write(appends: readonly AppendRequest[], created: number): AppendAnswer[]
  /** Forgets what was remembered of a transaction that was rolled back. */
  forget(): void
}

/** The appends of one batch see each other, in their order. */
export function batchWriter(database: Database): BatchWriter {
  const streams = boundedMap<Stream>(KNOWN_STREAMS)
  const recent = boundedMap<number>(RECENT_IDS)
  const findStream = database.prepare('SELECT sid FROM streams WHERE name = ?').pluck()
  const addStream = database.prepare('INSERT INTO streams (name) VALUES (?)')
  const lastRevision = database.prepare('SELECT max(revision) FROM events WHERE sid = ?').pluck()
  const idAt = database.prepare('SELECT id FROM events WHERE sid = ? AND revision = ?').pluck()
  const positionAt = database.prepare('SELECT position FROM events WHERE sid = ? AND revision = ?').pluck()
  const addEvent = database.prepare(
    'INSERT INTO events (sid, revision, id, type, data, metadata, created) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )

  function stream(name: string): Stream | undefined {
    const known = streams.get(name)
    if (known !== undefined) return known
    const sid = findStream.get(name) as number | undefined
    if (sid === undefined) return undefined
    const found = { sid, last: (lastRevision.get(sid) as number | null) ?? -1 }
    streams.set(name, found)
    return found
  }

  function newStream(name: string): Stream {
    const made = { sid: Number(addStream.run(name).lastInsertRowid), last: -1 }
    streams.set(name, made)
    return made
  }

  function insert(
    { ticket, stream: name, events }: AppendRequest,
    found: Stream | undefined,
    created: number,
  ): AppendAnswer {
    const target = found ?? newStream(name)
    let position = 0
    for (const { id, type, data, metadata } of events) {
      const revision = target.last + 1
      position = Number(addEvent.run(target.sid, revision, id, type, data, metadata, created).lastInsertRowid)
      target.last = revision
      recent.set(`${id} ${name}`, revision)
    }
    return { kind: 'written', ticket, revision: target.last, position, created }
  }

  function append(request: AppendRequest, created: number): AppendAnswer {
    const { ticket, stream: name, expected, events } = request
    const found = stream(name)
    const verdict = judge(
      expected,
      events.map(({ id }) => id),
      {
        last: found?.last ?? -1,
        idAt: (revision) => (found && (idAt.get(found.sid, revision) as string | undefined)) ?? undefined,
        recentRevision: (id) => recent.get(`${id} ${name}`),
      },
    )
    if (verdict.kind === 'conflict') return { kind: 'conflict', ticket, actual: found?.last ?? -1 }
    if (verdict.kind === 'write') return insert(request, found, created)
    const position = positionAt.get(found?.sid, verdict.revision) as number
    return { kind: 'repeated', ticket, revision: verdict.revision, position }
  }

  return {
    write: (appends, created) => appends.map((request) => append(request, created)),
    forget() {
      streams.clear()
      recent.clear()
    },
  }
}
