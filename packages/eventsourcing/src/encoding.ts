import { TooLarge } from './errors.ts'
import type { NewEvent } from './event.ts'
import { MAX_EVENT_BYTES, MAX_EVENTS_PER_APPEND } from './event-store.ts'
import { assertName } from './stream-name.ts'

/** An event as it is stored in a log: data and metadata are JSON texts. */
export interface EncodedEvent {
  readonly id: string
  readonly type: string
  readonly data: string
  readonly metadata: string
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
/** The largest number of UTF-8 bytes for one UTF-16 code unit. */
const MAX_BYTES_PER_UNIT = 3

/**
 * Encodes the events of an append and checks the limits that hold for every store.
 *
 * @throws {TypeError} when there is no event, or a name, type, id or the data is not valid.
 * @throws {TooLarge} when an event, or the number of events, is over its limit.
 */
export function encodeAppend(stream: string, events: readonly NewEvent[]): readonly EncodedEvent[] {
  assertName('stream name', stream)
  if (events.length === 0) throw new TypeError('an append needs at least one event')
  if (events.length > MAX_EVENTS_PER_APPEND)
    throw new TooLarge(`${events.length} events in one append, the limit is ${MAX_EVENTS_PER_APPEND}`)
  return events.map(encodeEvent)
}

function encodeEvent(event: NewEvent): EncodedEvent {
  assertName('event type', event.type)
  if (!UUID.test(event.id)) throw new TypeError('an event id must be a UUID in lower case')
  const encoded = { id: event.id, type: event.type, data: encode(event.data), metadata: encode(event.metadata) }
  assertSize(encoded)
  return encoded
}

function encode(value: NewEvent['data']): string {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('the data and metadata of an event must be JSON objects')
  return JSON.stringify(value)
}

function assertSize({ type, data, metadata }: EncodedEvent): void {
  if ((data.length + metadata.length) * MAX_BYTES_PER_UNIT <= MAX_EVENT_BYTES) return
  const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata)
  if (bytes > MAX_EVENT_BYTES) throw new TooLarge(`${type} has ${bytes} bytes, the limit is ${MAX_EVENT_BYTES}`)
}
