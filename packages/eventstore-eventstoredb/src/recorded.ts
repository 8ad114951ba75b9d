import { categoryOf, type JsonObject, type RecordedEvent } from '@ledgate/eventsourcing'
import { type LogOffset, positionOf } from './position.ts'

/** An event as it came, from a read or a subscription. What is not JSON stays bytes. */
export interface Recorded {
  readonly streamId: string
  readonly id: string
  readonly revision: bigint
  readonly type: string
  readonly data: unknown
  readonly metadata: unknown
  /** Milliseconds since the epoch. */
  readonly created: number
  /** Servers before 22.6 do not say. */
  readonly position?: LogOffset
}

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)

/** Categories of streams that are in the same database and no part of the log: the vault's and the leases'. */
export const ASIDE: readonly string[] = ['vault', 'lease']

/** What is written beside the log so that every subscription comes to a place at the end of it. */
export const PULSE = 'Pulsed'
/** The stream of the pulses of all processes; only its end is kept. */
export const PULSES = 'lease-pulse'

/** A read barrier: whoever commits it led, and its reads were current. No subscription gets it, for there may be hundreds a second. */
export const BARRIER = 'ReadBarrier'
/** The stream of the read barriers of all processes; only its end is kept. */
export const BARRIERS = 'lease-barrier'

/** The streams that are part of the log, for the server to find them. */
export const LOG_STREAMS = `^(?!\\$|(?:${ASIDE.join('|')})(?:-|$))`

/** Whether a stream is part of the log: neither EventStoreDB's own, nor of a category that holds something else. */
export function isInLog(stream: string): boolean {
  return !stream.startsWith('$') && !ASIDE.includes(categoryOf(stream))
}

/**
 * The event as the port shows it.
 *
 * @throws {Error} when somebody else wrote it: not JSON, or without a position, as servers before 22.6 send them.
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
