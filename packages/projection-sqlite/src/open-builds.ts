import type { EventReader, Projection } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import { type Build, type Decode, fingerprint, openBuild } from './build.ts'
import type { BuildRecord, BuildRecords, NewBuild } from './build-records.ts'
import { isFromLog } from './history.ts'

/** The builds of one projection: the one that queries read, and those that are fed with events. */
export interface ProjectionBuilds {
  readonly name: string
  readonly version: number
  served: BuildRecord
  /** The served build, if this code can feed it: `undefined` when another version wrote it. */
  live: Build | undefined
  /** The build that will be served once it has caught up. */
  candidate: Build | undefined
  /** Creates a new, empty build. */
  begin(): Build
}

export interface OpenBuildsOptions<Event extends { readonly type: string }> {
  readonly database: Database
  readonly records: BuildRecords
  readonly reader: EventReader
  readonly projections: readonly Projection<Event>[]
  readonly decode: Decode<Event>
  /** Called for each view that was built from a different log and is therefore rebuilt. */
  onDiscarded(why: string): void
}

/** Opens or creates the builds of every projection, and drops those that are no longer needed. */
export async function openBuilds<Event extends { readonly type: string }>(
  options: OpenBuildsOptions<Event>,
): Promise<readonly ProjectionBuilds[]> {
  const { records, projections, reader, onDiscarded } = options
  const known: BuildRecord[] = []
  for (const record of records.all()) {
    if (await isFromLog(record, reader)) known.push(record)
    else onDiscarded(`the view "${record.name}" is of another history of the log: it is rebuilt`)
  }
  const opened = projections.map((projection) => open(options, projection, known))
  const needed = new Set(
    opened.flatMap(({ served, candidate }) => [served.id, ...(candidate ? [candidate.record.id] : [])]),
  )
  for (const record of records.all()) if (!needed.has(record.id)) records.drop(record)
  return opened
}

function open<Event extends { readonly type: string }>(
  { database, records, decode }: OpenBuildsOptions<Event>,
  projection: Projection<Event>,
  known: readonly BuildRecord[],
): ProjectionBuilds {
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
