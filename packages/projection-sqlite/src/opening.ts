import type { EventReader, Projection } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import { type Build, type Decode, fingerprint, openBuild } from './build.ts'
import type { BuildRecord, BuildRecords, NewBuild } from './build-records.ts'
import { belongs } from './history.ts'

/** A projection, the build that queries read, and the builds that are kept abreast of the log. */
export interface Kept {
  readonly name: string
  readonly version: number
  served: BuildRecord
  /** What is served, when this code can feed it; not when an older version wrote it. */
  live: Build | undefined
  /** What will be served once it has caught up. */
  candidate: Build | undefined
  /** Begins a new, empty build. */
  begin(): Build
}

export interface Opening<Event extends { readonly type: string }> {
  readonly database: Database
  readonly records: BuildRecords
  readonly reader: EventReader
  readonly projections: readonly Projection<Event>[]
  readonly decode: Decode<Event>
  /** Told which views were made from another log, and are built anew. */
  onDiscarded(why: string): void
}

/** Finds or makes the builds of every projection, and drops those that nobody needs any more. */
export async function openAll<Event extends { readonly type: string }>(
  opening: Opening<Event>,
): Promise<readonly Kept[]> {
  const { records, projections, reader, onDiscarded } = opening
  const known: BuildRecord[] = []
  for (const record of records.all()) {
    if (await belongs(record, reader)) known.push(record)
    else onDiscarded(`the view "${record.name}" is of another history of the log: it is built anew`)
  }
  const kept = projections.map((projection) => open(opening, projection, known))
  const needed = new Set(
    kept.flatMap(({ served, candidate }) => [served.id, ...(candidate ? [candidate.record.id] : [])]),
  )
  for (const record of records.all()) if (!needed.has(record.id)) records.drop(record)
  return kept
}

function open<Event extends { readonly type: string }>(
  { database, records, decode }: Opening<Event>,
  projection: Projection<Event>,
  known: readonly BuildRecord[],
): Kept {
  const { name, version, oldestReadable = 0 } = projection
  const print = fingerprint(projection)
  const fresh: NewBuild = { name, version, fingerprint: print, schema: (table) => projection.schema(table) }
  const make = (record: BuildRecord) => openBuild(database, record, { projection, decode })
  const begin = () => make(records.create(fresh))

  const own = known.filter((record) => record.name === name)
  const isCurrent = (record: BuildRecord) => record.version === version && record.fingerprint === print
  const served = own.find((record) => record.served && (isCurrent(record) || record.version >= oldestReadable))
  if (served !== undefined && isCurrent(served))
    return { name, version, served, live: make(served), candidate: undefined, begin }

  const half = own.find((record) => !record.served && isCurrent(record))
  const next = half === undefined ? begin() : make(half)
  if (served !== undefined) return { name, version, served, live: undefined, candidate: next, begin }
  records.serve(next.record)
  return { name, version, served: next.record, live: next, candidate: undefined, begin }
}
