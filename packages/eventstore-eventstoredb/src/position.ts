import { InvalidPosition, type Position, positionParser, START } from '@ledgate/eventsourcing'

/** The position of an event in EventStoreDB: offsets into its transaction file. */
export interface LogOffset {
  readonly commit: bigint
  readonly prepare: bigint
}

const DIGITS = 20

const PARTS = /^(\d{20})\.(\d{20})$/
/** The server stores offsets as signed 64-bit integers. */
const MOST = 2n ** 63n - 1n

function partsOf(text: string): LogOffset | undefined {
  const [, commit, prepare] = PARTS.exec(text) ?? []
  return commit === undefined || prepare === undefined
    ? undefined
    : { commit: BigInt(commit), prepare: BigInt(prepare) }
}

/** An event is prepared before it is committed, and no event is before the first record of the file. */
const isPlace = ({ commit, prepare }: LogOffset): boolean => commit > 0n && commit <= MOST && prepare <= commit

const padded = (offset: bigint): string => String(offset).padStart(DIGITS, '0')

function written({ commit, prepare }: LogOffset): string {
  const text = padded(commit)
  return `${text}.${commit === prepare ? text : padded(prepare)}`
}

/** Parses a position of this store. @throws {InvalidPosition} */
export const parsePosition = positionParser((text) => {
  const parts = partsOf(text)
  return parts !== undefined && isPlace(parts)
})

/** Offsets from the server are not validated: 64 bits never exceed the width. */
const fromServer = positionParser(() => true)

/** Both offsets, padded to a fixed width, so that positions compare as strings. */
export const positionOf = (offset: LogOffset): Position => fromServer(written(offset))

/**
 * The position of a checkpoint; `undefined` when it is not valid. Servers 24.2.0 to 24.10.4 send 2^64-1 as the checkpoint of a
 * subscription that has not matched any event yet: resuming from there would skip every event.
 */
export const checkpointOf = (offset: LogOffset): Position | undefined =>
  isPlace(offset) ? positionOf(offset) : undefined

/** The offsets of a position; the client's constant for the start of the log for `START`. @throws {InvalidPosition} */
export function offsetOf(position: Position): LogOffset | 'start' {
  if (position === START) return 'start'
  const parts = partsOf(position)
  if (parts === undefined) throw new InvalidPosition()
  return parts
}
