import type { JsonObject, RecordedEvent } from '@ledgate/eventsourcing'
import type { Envelope } from './envelope.ts'
import type { EventDefinition, EventOf } from './event-definition.ts'

/** Any event, whatever its type. */
export interface AnyEvent {
  readonly type: string
  readonly data: unknown
}

/** Where and when the log keeps an event, and who brought it there. */
export interface EventMetadata {
  readonly id: string
  readonly stream: string
  readonly revision: bigint
  readonly position: RecordedEvent['position']
  /** Milliseconds since the epoch. */
  readonly created: number
  readonly envelope: Envelope
}

/** Any event of the log, in its newest shape. */
export type AnyRecord = AnyEvent & EventMetadata

/** How a set of event types is read from the log and written to it. */
export interface EventCodec<Event extends AnyEvent> {
  /** The definition of a type of event; `undefined` for one that is not of this set. */
  definitionOf(type: string): EventDefinition | undefined
  /**
   * A recorded event in its newest shape; `undefined` when its type is not of this set (a newer version's, or another stream's).
   *
   * @throws {ZodError} when an old payload does not upcast to a valid one: a poison event.
   */
  decode(recorded: RecordedEvent): (Event & EventMetadata) | undefined
  /**
   * An event's data as it is stored, and the version of that shape.
   *
   * @throws {ZodError} when it is not exactly what its definition says.
   */
  encode(event: AnyEvent): { readonly data: JsonObject; readonly schema: number }
}

/**
 * The data of a stored event in its newest shape: upcast step by step, then checked against the schema.
 *
 * @throws {ZodError} when that is not a valid one, or a newer Ledgate wrote it.
 */
export function newestData(definition: EventDefinition, data: JsonObject, schema: number): unknown {
  if (schema === definition.version) return data // written strictly by `encode` and never changed since
  const upcast = definition.upcasters.slice(schema - 1).reduce<JsonObject>((older, step) => step(older), data)
  return definition.data.parse(upcast)
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

/** The codec of these types of events. */
export function eventCodec<const Definitions extends readonly EventDefinition[]>(
  definitions: Definitions,
): EventCodec<EventOf<Definitions[number]>> {
  type Event = EventOf<Definitions[number]>
  const byType = new Map<string, EventDefinition>(definitions.map((definition) => [definition.type, definition]))
  return {
    definitionOf: (type) => byType.get(type),

    decode(recorded) {
      const definition = byType.get(recorded.type)
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
      } as Event & EventMetadata
    },

    encode(event) {
      const definition = byType.get(event.type)
      if (definition === undefined) throw new TypeError(`no event is called ${event.type}`)
      return storedData(definition, event.data)
    },
  }
}
