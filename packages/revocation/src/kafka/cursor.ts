import type { KafkaMessage } from 'kafkajs'

/** The offset of a message, and what distinguishes it from another message at that offset of a replaced topic. */
export interface MessageId {
  readonly offset: bigint
  /** The end of its signature: two messages with the same one are equal. */
  readonly mark: string
}

/** What was read: everything from an offset on, without a gap, up to a message. */
export interface ReadRange extends MessageId {
  readonly began: bigint
}

const MARK_LENGTH = 16
const CURSOR = /^(\d{1,19}) (\d{1,19}) (.*)$/s

const markOf = (text: string): string => text.slice(-MARK_LENGTH)

/** The id of a message. */
export const messageIdOf = ({ offset, value }: Pick<KafkaMessage, 'offset' | 'value'>): MessageId => ({
  offset: BigInt(offset),
  mark: markOf(value?.toString() ?? ''),
})

/** Whether two ids are of the same message. */
export const isSameMessage = (one: MessageId, other: MessageId): boolean =>
  one.offset === other.offset && one.mark === other.mark

/** The cursor after a range. */
export const toCursor = ({ began, offset, mark }: ReadRange): string => `${began} ${offset} ${mark}`

/** The range of a cursor; `undefined` if it is not a cursor of Kafka. */
export function fromCursor(cursor: string | undefined): ReadRange | undefined {
  const [, from, at, mark = ''] = CURSOR.exec(cursor ?? '') ?? []
  if (from === undefined || at === undefined) return undefined
  const [began, offset] = [BigInt(from), BigInt(at)]
  return began > offset ? undefined : { began, offset, mark }
}

/** The cursor after a message that was written at a known offset, and not read. */
export const cursorOf = ({ offset, jws }: { readonly offset: bigint; readonly jws: string }): string =>
  toCursor({ began: offset, offset, mark: markOf(jws) })

/** The offset of a cursor; `undefined` if it is not a cursor of Kafka. */
export const offsetOf = (cursor: string): bigint | undefined => fromCursor(cursor)?.offset
