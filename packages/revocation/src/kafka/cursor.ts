import type { KafkaMessage } from 'kafkajs'

/** Where a message stands, and what tells it from another that came to stand there in another life of the topic. */
export interface MessagePlace {
  readonly offset: bigint
  /** The end of its signature: two messages that share it say the same. */
  readonly mark: string
}

const MARK_LENGTH = 16
const CURSOR = /^(\d{1,19}) (.*)$/s

const valueOf = ({ value }: Pick<KafkaMessage, 'value'>): string => value?.toString() ?? ''

/** Where a message stands. */
export const placeOf = (message: Pick<KafkaMessage, 'offset' | 'value'>): MessagePlace => ({
  offset: BigInt(message.offset),
  mark: valueOf(message).slice(-MARK_LENGTH),
})

/** Whether both are the same message at the same place. */
export const isSamePlace = (one: MessagePlace, other: MessagePlace): boolean =>
  one.offset === other.offset && one.mark === other.mark

/** A place as the cursor of a feed. */
export const toCursor = ({ offset, mark }: MessagePlace): string => `${offset} ${mark}`

/** The place that a cursor names; none when it is not one of ours. */
export function fromCursor(cursor: string | undefined): MessagePlace | undefined {
  const [, offset, mark = ''] = CURSOR.exec(cursor ?? '') ?? []
  return offset === undefined ? undefined : { offset: BigInt(offset), mark }
}
