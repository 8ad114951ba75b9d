import type { KafkaMessage } from 'kafkajs'

/** Where a message stands, and what tells it from another that came to stand there in another life of the topic. */
export interface MessagePlace {
  readonly offset: bigint
  /** The end of its signature: two messages that share it say the same. */
  readonly mark: string
}

/** What a reading has behind it: everything from an offset on, without a gap, up to the message at this place. */
export interface ReadPlace extends MessagePlace {
  readonly began: bigint
}

const MARK_LENGTH = 16
const CURSOR = /^(\d{1,19}) (\d{1,19}) (.*)$/s

const markOf = (text: string): string => text.slice(-MARK_LENGTH)

/** Where a message stands. */
export const placeOf = ({ offset, value }: Pick<KafkaMessage, 'offset' | 'value'>): MessagePlace => ({
  offset: BigInt(offset),
  mark: markOf(value?.toString() ?? ''),
})

/** Whether both are the same message at the same place. */
export const isSamePlace = (one: MessagePlace, other: MessagePlace): boolean =>
  one.offset === other.offset && one.mark === other.mark

/** A place as the cursor of a feed. */
export const toCursor = ({ began, offset, mark }: ReadPlace): string => `${began} ${offset} ${mark}`

/** The place that a cursor names; none when it is not one of ours. */
export function fromCursor(cursor: string | undefined): ReadPlace | undefined {
  const [, from, at, mark = ''] = CURSOR.exec(cursor ?? '') ?? []
  if (from === undefined || at === undefined) return undefined
  const [began, offset] = [BigInt(from), BigInt(at)]
  return began > offset ? undefined : { began, offset, mark }
}

/** The cursor behind a message that somebody wrote and knows the offset of, without having read it. */
export const cursorOf = ({ offset, jws }: { readonly offset: bigint; readonly jws: string }): string =>
  toCursor({ began: offset, offset, mark: markOf(jws) })

/** Where the message of a cursor stands; `undefined` when the cursor is not one of Kafka's. */
export const offsetOf = (cursor: string): bigint | undefined => fromCursor(cursor)?.offset
