import type { Position, RecordedEvent } from '@ledgate/eventsourcing'
import { START } from '@ledgate/eventsourcing'

/** An event as its row is read: position, stream, revision, id, type, data, metadata, created. */
export type Row = readonly [number, string, number, string, string, string, string, number]

/** The columns of a {@link Row}, of `events e` and `streams s`. */
export const COLUMNS = 'e.position, s.name, e.revision, e.id, e.type, e.data, e.metadata, e.created'

const POSITION_DIGITS = 20

/** The position with this number, as wide as any other so that they compare as strings. */
export function positionOf(number: number): Position {
  return number === 0 ? START : (String(number).padStart(POSITION_DIGITS, '0') as Position)
}

/** The number of a position; 0 for `START`. */
export function numberOf(position: Position): number {
  return Number(position)
}

/** The event in a row. */
export function decodeRow([position, stream, revision, id, type, data, metadata, created]: Row): RecordedEvent {
  return {
    id,
    type,
    data: JSON.parse(data),
    metadata: JSON.parse(metadata),
    stream,
    revision: BigInt(revision),
    position: positionOf(position),
    created,
  }
}
