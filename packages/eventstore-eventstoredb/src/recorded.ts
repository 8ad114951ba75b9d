import { categoryOf, type JsonObject, type RecordedEvent } from '@ledgate/eventsourcing'
import { type LogOffset, positionOf } from './position.ts'

/** An event from a read or a subscription. Data that is not JSON stays bytes. */
export interface Recorded {
  readonly streamId: string
  readonly id: string
  readonly revision: bigint
  readonly type: string
  readonly data: unknown
  readonly metadata: unknown
  /** Milliseconds since the epoch. */
  readonly created: number
  /** Not sent by servers before 22.6. */
  readonly position?: LogOffset
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** Categories of internal streams, in the same database but not part of the log: of the vault and of leases. */
export const ASIDE: readonly string[] = ['vault', 'lease']

/** The type of the end marker, which is written so that every subscription reaches a position at the end of the log. */
export const END_MARKER = 'Pulsed'
/** The stream of the end markers of all processes; only its last event is kept. */
export const END_MARKERS = 'lease-pulse'

/** The type of the read barrier: the node that commits it led before, so its reads were current. Hidden from subscriptions, because there may be hundreds per second. */
export const BARRIER = 'ReadBarrier'
/** The stream of the read barriers of all processes; only its last event is kept. */
export const BARRIERS = 'lease-barrier'

/** A pattern for the streams of the log, for filters on the server. */
export const LOG_STREAMS = `^(?!\\$|(?:${ASIDE.join('|')})(?:-|$))`

/** Whether a stream is part of the log: neither a system stream of EventStoreDB, nor an internal one. */
export function isInLog(stream: string): boolean {
  return !stream.startsWith('$') && !ASIDE.includes(categoryOf(stream))
}

/**
 * The event in the form of the port.
 *
 * @throws {Error} when another application wrote it and it is not JSON, or when it has no position (servers before 22.6).
 */
export function recordedEvent(event: Recorded): RecordedEvent {
  const { streamId, id, revision, type, data, metadata, created, position } = event
  if (!isObject(data)) throw new Error(`${type} at ${streamId}@${revision} is not a JSON object`)
  if (position === undefined) throw new Error('this EventStoreDB is too old: it sends events without their position')
  return {
    id,
    type,
    data,
    metadata: isObject(metadata) ? metadata : {},
    stream: streamId,
    revision,
    position: positionOf(position),
    created,
  }
}
