import {
  type EncodedEvent,
  keptPosition,
  type Position,
  positionParser,
  type RecordedEvent,
  START,
} from '@ledgate/eventsourcing'

/** The row of an event: position, stream, revision, id, type, data, metadata, created. */
export type Row = readonly [number, string, number, string, string, string, string, number]

/** The columns of a {@link Row}, of `events e` and `streams s`. */
export const COLUMNS = 'e.position, s.name, e.revision, e.id, e.type, e.data, e.metadata, e.created'

const POSITION_DIGITS = 20

const POSITION = /^\d{20}$/

/** Parses a position of this store; it may be beyond the end. @throws {InvalidPosition} */
export const parsePosition = positionParser((text) => POSITION.test(text) && Number(text) > 0)

/** The position with this number, padded to a fixed width so that positions compare as strings. */
export function positionOf(number: number): Position {
  return number === 0 ? START : parsePosition(String(number).padStart(POSITION_DIGITS, '0'))
}

/** The number of a position; 0 for `START`. @throws {InvalidPosition} when it is not one of this store. */
export function numberOf(position: Position): number {
  return Number(keptPosition({ parsePosition }, position))
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

/** A written append; `revision` and `position` are those of its last event. */
interface WrittenEvents {
  readonly stream: string
  readonly created: number
  readonly events: readonly EncodedEvent[]
  readonly revision: number
  readonly position: number
}

/** The rows of a written append. */
export function rowsOf({ stream, created, events, revision, position }: WrittenEvents): Row[] {
  const before = events.length - 1
  return events.map(({ id, type, data, metadata }, index) => [
    position - before + index,
    stream,
    revision - before + index,
    id,
    type,
    data,
    metadata,
    created,
  ])
}

/** Approximate memory of a row without its JSON, including the decoded objects. */
const BYTES_PER_ROW = 1_500

/** Approximate memory of a row, in bytes. */
export const weightOf = (row: Row | undefined): number =>
  row === undefined ? 0 : BYTES_PER_ROW + row[1].length + row[5].length + row[6].length

const decoded = new WeakMap<Row, RecordedEvent>()

/** The event in a row, decoded once and frozen: for cached rows that many readers share. */
export function decodeOnce(row: Row): RecordedEvent {
  const known = decoded.get(row)
  if (known !== undefined) return known
  const event = frozen(decodeRow(row))
  decoded.set(row, event)
  return event
}

function frozen<Value>(value: Value): Value {
  if (typeof value !== 'object' || value === null) return value
  Object.values(value).forEach(frozen)
  return Object.freeze(value)
}
