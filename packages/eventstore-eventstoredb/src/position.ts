import { InvalidPosition, type Position, positionParser, START } from '@ledgate/eventsourcing'

/** Where EventStoreDB says an event stands: offsets into its transaction file. */
export interface LogOffset {
  readonly commit: bigint
  readonly prepare: bigint
}

const DIGITS = 20

const PARTS = /^(\d{20})\.(\d{20})$/
/** The server keeps offsets in 64 bits with a sign. */
const MOST = 2n ** 63n - 1n

function partsOf(text: string): LogOffset | undefined {
  const [, commit, prepare] = PARTS.exec(text) ?? []
  return commit === undefined || prepare === undefined
    ? undefined
    : { commit: BigInt(commit), prepare: BigInt(prepare) }
}

/** An event is prepared before it is committed, and nothing stands before the first record of the file. */
const isPlace = ({ commit, prepare }: LogOffset): boolean => commit > 0n && commit <= MOST && prepare <= commit

const padded = (offset: bigint): string => String(offset).padStart(DIGITS, '0')

function written({ commit, prepare }: LogOffset): string {
  const text = padded(commit)
  return `${text}.${commit === prepare ? text : padded(prepare)}`
}

/** The position of this store that a text names. @throws {InvalidPosition} */
export const parsePosition = positionParser((text) => {
  const parts = partsOf(text)
  return parts !== undefined && isPlace(parts)
})

/** What the server says is believed: offsets of 64 bits have no more digits than there is room for. */
const fromServer = positionParser(() => true)

/** Both offsets, as wide as any other, so that positions compare as strings. */
export const positionOf = (offset: LogOffset): Position => fromServer(written(offset))

/**
 * The position of a checkpoint; `undefined` for what can be none. Servers 24.2.0 to 24.10.4 call 2^64-1 the checkpoint of a
 * subscription that has found nothing yet: to go on from there would be to pass over everything.
 */
export const checkpointOf = (offset: LogOffset): Position | undefined =>
  isPlace(offset) ? positionOf(offset) : undefined

/** The offsets of a position; the word for the start of the log for `START`. @throws {InvalidPosition} */
export function offsetOf(position: Position): LogOffset | 'start' {
  if (position === START) return 'start'
  const parts = partsOf(position)
  if (parts === undefined) throw new InvalidPosition()
  return parts
}
