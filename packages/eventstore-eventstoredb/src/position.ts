import { type Position, START } from '@ledgate/eventsourcing'

/** Where EventStoreDB says an event stands: offsets into its transaction file. */
export interface LogOffset {
  readonly commit: bigint
  readonly prepare: bigint
}

const DIGITS = 20

/** Both offsets, as wide as any other, so that positions compare as strings. */
export function positionOf({ commit, prepare }: LogOffset): Position {
  return `${String(commit).padStart(DIGITS, '0')}.${String(prepare).padStart(DIGITS, '0')}` as Position
}

/** The offsets of a position; the word for the start of the log for `START`. */
export function offsetOf(position: Position): LogOffset | 'start' {
  if (position === START) return 'start'
  const [commit = '', prepare = ''] = position.split('.')
  return { commit: BigInt(commit), prepare: BigInt(prepare) }
}
