import type { Projection, ProjectionHandlers, SqlDatabase, TableName } from '@ledgate/eventsourcing'
import type { EventDefinition, EventIn, EventMetadata, Stream } from '../log/index.ts'

type Streams = readonly Stream<readonly EventDefinition[]>[]

/** What the tables keep of each type of event: no type of the streams may be left out. */
interface TotalHandlers<Event extends { readonly type: string }> extends Pick<ProjectionHandlers<Event>, 'flush'> {
  readonly on: { readonly [Type in Event['type']]: 'ignored' | ((event: Extract<Event, { type: Type }>) => void) }
}

export interface ProjectionDefinition<Name extends string, Read extends Streams> extends Pick<
  Projection<EventIn<Read[number]>>,
  'version' | 'oldestReadable' | 'schema'
> {
  readonly name: Name
  /** The streams it reads, and no others. */
  readonly streams: Read
  prepare(database: SqlDatabase, table: TableName): TotalHandlers<EventIn<Read[number]> & EventMetadata>
}

/**
 * Defines a projection of some categories of streams. It has a handler or `'ignored'` for every type of their events: a new
 * event does not compile until each projection of its stream says what it does with it.
 */
export function defineProjection<const Name extends string, const Read extends Streams>({
  streams,
  ...definition
}: ProjectionDefinition<Name, Read>): Projection<EventIn<Read[number]> & EventMetadata> & { readonly name: Name } {
  return { ...definition, categories: streams.map(({ category }) => category) }
}
