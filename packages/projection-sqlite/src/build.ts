import {
  categoryOf,
  type Poison,
  type Projection,
  type ProjectionHandlers,
  type RecordedEvent,
  type SqlValue,
} from '@ledgate/eventsourcing'
import SqliteDatabase, { type Database } from 'better-sqlite3'
import { type BuildRecord, fingerprintOf, type Progress, tableName } from './build-records.ts'
import { createMeter, type Meter } from './meter.ts'

/** Decodes a recorded event for the projections; `undefined` when this version does not know its type. */
export type Decode<Event> = (recorded: RecordedEvent) => Event | undefined

/** The tables of one build and the handlers that write them. The caller begins and ends the transactions. */
export interface Build {
  readonly record: BuildRecord
  progress: Progress
  poison: Poison | undefined
  /** When the last applied event was written, in milliseconds since the epoch; `undefined` before the first one. */
  lastCreated: number | undefined
  readonly meter: Meter
  /** @throws what a handler throws; the transaction has to be rolled back then. */
  apply(recorded: RecordedEvent): void
  flush(): void
  /** Discards what the handlers remember of a transaction that was rolled back. */
  reset(): void
}

/** Opens the build that a record describes. */
export function openBuild<Event extends { readonly type: string }>(
  database: Database,
  record: BuildRecord,
  { projection, decode }: { readonly projection: Projection<Event>; readonly decode: Decode<Event> },
): Build {
  const prepare = () => handlersOf(projection, database, (table) => tableName(table, record))
  const categories = projection.categories && new Set(projection.categories)
  let handlers = prepare()
  return {
    record,
    progress: { position: record.position, before: record.before, lastId: record.lastId },
    poison: undefined,
    lastCreated: undefined,
    meter: createMeter(),
    apply(recorded) {
      const handler = handlers.on.get(recorded.type)
      if (handler === undefined && handlers.every === undefined) return
      if (categories && !categories.has(categoryOf(recorded.stream))) return
      const event = decode(recorded)
      handlers.every?.(recorded, event)
      if (event !== undefined) handler?.(event)
    },
    flush: () => handlers.flush?.(),
    reset: () => {
      handlers = prepare()
    },
  }
}

interface CompiledHandlers<Event extends { readonly type: string }> {
  readonly on: ReadonlyMap<string, (event: Event) => void>
  readonly every: ProjectionHandlers<Event>['every']
  readonly flush: ProjectionHandlers<Event>['flush']
}

function handlersOf<Event extends { readonly type: string }>(
  projection: Projection<Event>,
  database: Database,
  table: (name: string) => string,
): CompiledHandlers<Event> {
  const { on = {}, every, flush } = projection.prepare({ prepare: (sql) => database.prepare<SqlValue[]>(sql) }, table)
  return {
    on: new Map(Object.entries<Handler | undefined>(on).flatMap(handlerOf<Event>)),
    every,
    flush,
  }
}

type Handler = 'ignored' | ((event: never) => void)

/** A handler receives only events of its own type. */
function handlerOf<Event>([type, handler]: [string, Handler | undefined]) {
  return handler === undefined || handler === 'ignored' ? [] : [[type, handler as (event: Event) => void] as const]
}

/** The fingerprint of a projection in this version of the code, determined on an empty database. */
export function fingerprint<Event extends { readonly type: string }>(projection: Projection<Event>): string {
  const schema = projection.schema((table) => table)
  const scratch = new SqliteDatabase(':memory:')
  try {
    scratch.exec(schema)
    const { on, every } = handlersOf(projection, scratch, (table) => table)
    return fingerprintOf(schema, [...on.keys(), ...(every ? ['*'] : []), ...(projection.categories ?? [])])
  } finally {
    scratch.close()
  }
}
