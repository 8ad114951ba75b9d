/** Where a record stands: offsets into the transaction file (TFPos.cs). */
export interface LogPosition {
  readonly commit: number
  readonly prepare: number
}

/** Bytes of a record. Those of a real log differ in length; what lies between two of them is no position there either. */
const RECORD_BYTES = 128
/** 2^64-1 as the wire has it: the end of the log when a client says it, no position at all when the server does. */
const NO_POSITION = '18446744073709551615'

/** Before everything: what a server that has no checkpoint yet calls its checkpoint. */
export const NOWHERE: LogPosition = { commit: -1, prepare: -1 }
export const FIRST: LogPosition = { commit: 0, prepare: 0 }

/** Of the event in a record. */
export const positionOf = (index: number): LogPosition => {
  const offset = index * RECORD_BYTES
  return { commit: offset, prepare: offset }
}

/** Before the event in a record, and after everything before it: what a page that ended there calls the next position. */
export const beforeRecord = (index: number): LogPosition => ({ commit: index * RECORD_BYTES, prepare: 0 })

export const compare = (left: LogPosition, right: LogPosition): number =>
  Math.sign(left.commit - right.commit) || Math.sign(left.prepare - right.prepare)

/** Whether a record begins there. */
export const isRecord = ({ commit }: LogPosition): boolean => commit % RECORD_BYTES === 0

/** Records that begin before the position or at it, by the position alone: there may be fewer. */
export const indexAt = ({ commit }: LogPosition): number => Math.floor(commit / RECORD_BYTES)

/** Offsets as the wire has them: 64 bits without a sign. */
export const offsetText = (offset: number): string => (offset < 0 ? NO_POSITION : String(offset))

/** @returns `end` for 2^64-1. */
export const positionFrom = (commit: string, prepare: string): LogPosition | 'end' =>
  commit === NO_POSITION ? 'end' : { commit: Number(commit), prepare: Number(prepare) }
