import type { RecordedEvent } from '@ledgate/eventsourcing'
import { eventCodec, type EventMetadata } from './codec.ts'
import type { EventDefinition, EventOf } from './event-definition.ts'

declare const events: unique symbol

/** The name of one stream: only events of these types are appended to it, and only they are read from it. */
export type StreamName<Event> = string & { readonly [events]: Event }

/** An event as its stream returns it. */
export type RecordOf<Event> = Event & EventMetadata & { readonly stream: StreamName<Event> }

/** Streams that hold the same types of events, each about one thing: `<category>-<id>`. */
export interface Stream<Definitions extends readonly EventDefinition[]> {
  readonly category: string
  readonly events: Definitions
  /** The stream of the thing with this id. */
  of(id: string): StreamName<EventOf<Definitions[number]>>
  /**
   * A recorded event of this category; `undefined` when it is not of its types (a newer version's).
   *
   * @throws {ZodError} when an old payload does not upcast to a valid one: a poison event.
   */
  decode(recorded: RecordedEvent): RecordOf<EventOf<Definitions[number]>> | undefined
}

/** Declares the streams of a category, and the types of their events. */
export function defineStream<const Definitions extends readonly EventDefinition[]>(
  category: string,
  events: Definitions,
): Stream<Definitions> {
  type Event = EventOf<Definitions[number]>
  const codec = eventCodec(events)
  return {
    category,
    events,
    of: (id) => `${category}-${id}` as StreamName<Event>,
    decode: (recorded) => codec.decode(recorded) as RecordOf<Event> | undefined,
  }
}

/** Declares a stream of which there is one in an installation: its name is its category. */
export const defineSingleStream = <const Definitions extends readonly EventDefinition[]>(
  name: string,
  _events: Definitions,
): StreamName<EventOf<Definitions[number]>> => name as StreamName<EventOf<Definitions[number]>>

/** The event type of a category of streams. */
export type EventIn<Category extends Stream<readonly EventDefinition[]>> = EventOf<Category['events'][number]>

/** An event of a category of streams, as it is read. */
export type RecordIn<Category extends Stream<readonly EventDefinition[]>> = RecordOf<EventIn<Category>>
