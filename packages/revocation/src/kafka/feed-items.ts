import type { KafkaMessage } from 'kafkajs'
import type { FeedItem } from '../feed/index.ts'
import type { Continued } from './continuity.ts'
import { messageIdOf, toCursor } from './cursor.ts'
import { isConfirming, readConfirmed } from './heartbeat-headers.ts'

/** Messages as items of the feed, without those that have no value. */
export const itemsOf = ({ began, messages }: Continued): readonly FeedItem[] =>
  messages.flatMap((message) => (message.value === null ? [] : [itemOf(began, message, message.value)]))

/** For a message of any kind, since only the follower knows whether it is a heartbeat. */
function itemOf(began: bigint, message: KafkaMessage, value: Buffer): FeedItem {
  const range = { began, ...messageIdOf(message) }
  const item = { jws: value.toString(), cursor: toCursor(range) }
  return isConfirming(readConfirmed(message.headers ?? {}), range) ? item : { ...item, confirms: false }
}
