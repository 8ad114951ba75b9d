import { type Position, START, type RecordedEvent } from '@ledgate/eventsourcing'

/** A row of the log as the driver gives it in raw mode. */
export type Row = [
  position: number,
  revision: number,
  id: string,
  type: string,
  data: string,
  metadata: string,
  created: number,
  stream: string,
]

/** The columns of a `Row`, in its order. */
export const COLUMNS = 'e.position, e.revision, e.id, e.type, e.data, e.metadata, e.created, s.name'

/** The position of a row: twenty digits, so that text compares as numbers do. */
export const positionOf = (row: number): Position => String(row).padStart(20, '0') as Position

/** The row of a position; 0 for the start of the log. */
export const rowOf = (position: Position): number => (position === START ? 0 : Number(position))

/** A row as an event. */
export const toEvent = ([position, revision, id, type, data, metadata, created, stream]: Row): RecordedEvent => ({
  id,
  type,
  data: JSON.parse(data),
  metadata: JSON.parse(metadata),
  stream,
  revision: BigInt(revision),
  position: positionOf(position),
  created,
})
