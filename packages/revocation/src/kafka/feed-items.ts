import type { KafkaMessage } from 'kafkajs'
import type { FeedItem } from '../feed/index.ts'
import type { Continued } from './continuity.ts'
import { placeOf, toCursor } from './cursor.ts'
import { isVouching, readVouched } from './heartbeat-headers.ts'

/** Messages as items of the feed; those without a value are none. */
export const itemsOf = ({ began, messages }: Continued): readonly FeedItem[] =>
  messages.flatMap((message) => (message.value === null ? [] : [itemOf(began, message, message.value)]))

/** Of a message of any kind: only whoever verifies it knows whether it is a heartbeat. */
function itemOf(began: bigint, message: KafkaMessage, value: Buffer): FeedItem {
  const place = { began, ...placeOf(message) }
  const item = { jws: value.toString(), cursor: toCursor(place) }
  return isVouching(readVouched(message.headers ?? {}), place) ? item : { ...item, vouches: false }
}
