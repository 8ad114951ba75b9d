import type { JsonObject, RecordedEvent } from '@ledgate/eventsourcing'
import { catalogue, type DomainEvent } from './catalogue.ts'
import type { Envelope } from './envelope.ts'
import type { EventDefinition } from './event-definition.ts'
import type { StreamName } from './stream.ts'

/** Where and when the log keeps an event, and who brought it there. */
export interface Placed {
  readonly id: string
  readonly stream: string
  readonly revision: bigint
  readonly position: RecordedEvent['position']
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly envelope: Envelope
}

/** An event as a stream gives it. */
export type RecordOf<Event> = Event & Placed & { readonly stream: StreamName<Event> }

/** An event of the log, in its newest shape. */
export type DomainRecord = DomainEvent & Placed

const definitions = new Map<string, EventDefinition>(catalogue.map((definition) => [definition.type, definition]))

/** The definition of a type of event; `undefined` for one that a newer Ledgate wrote. */
export const definitionOf = (type: string): EventDefinition | undefined => definitions.get(type)

/**
 * The data of a stored event in its newest shape: upcast step by step, then held against the schema.
 *
 * @throws {ZodError} when that is not a valid one, or a newer Ledgate wrote it.
 */
export function newestData(definition: EventDefinition, data: JsonObject, schema: number): unknown {
  if (schema === definition.version) return data // written strictly by `encode` and never changed since
  const upcast = definition.upcasters.slice(schema - 1).reduce<JsonObject>((older, step) => step(older), data)
  return definition.data.parse(upcast)
}

/**
 * A recorded event as the domain knows it; `undefined` when its type is unknown here (a newer version's).
 *
 * @throws {ZodError} when an old payload does not upcast to a valid one: a poison event.
 */
export function decode(recorded: RecordedEvent): DomainRecord | undefined {
  const definition = definitions.get(recorded.type)
  if (definition === undefined) return undefined
  const envelope = recorded.metadata as unknown as Envelope
  return {
    type: recorded.type,
    data: newestData(definition, recorded.data, envelope.schema),
    id: recorded.id,
    stream: recorded.stream,
    revision: recorded.revision,
    position: recorded.position,
    created: recorded.created,
    envelope,
  } as DomainRecord
}

/** What is stored of data in its newest shape, and under which version. */
export function storedData(
  definition: EventDefinition,
  data: unknown,
): { readonly data: JsonObject; readonly schema: number } {
  const parsed = definition.data.parse(data) as JsonObject
  const { stillWriting, version } = definition
  return stillWriting === undefined
    ? { data: parsed, schema: version }
    : { data: stillWriting.downcast(parsed), schema: version - 1 }
}

/**
 * An event's data as it is stored.
 *
 * @throws {ZodError} when it is not exactly what the catalogue says.
 */
export function encode(event: DomainEvent): { readonly data: JsonObject; readonly schema: number } {
  const definition = definitions.get(event.type)
  if (definition === undefined) throw new TypeError(`no event is called ${event.type}`)
  return storedData(definition, event.data)
}
