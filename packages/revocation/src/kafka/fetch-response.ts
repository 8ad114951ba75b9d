// Static imports, so that a bundler uses the same module instances as kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import Decoder from 'kafkajs/src/protocol/decoder.js'
// @ts-expect-error -- the same
import response from 'kafkajs/src/protocol/requests/fetch/v11/response.js'
import { decodeRecordSet } from './record-set.ts'

/** The decoder of kafkajs. */
interface Bytes {
  readInt16(): number
  readInt32(): number
  readInt64(): bigint
  readString(): string
  /** Bytes with their length in front. */
  readBytes(): Buffer | null
  readArray<Item>(read: (bytes: Bytes) => Item): Item[]
  readArrayAsync<Item>(read: (bytes: Bytes) => Promise<Item>): Promise<Item[]>
}

/** The topics whose unreadable batches become gaps. */
const topics = new Set<string>()
/** Whether the patch is applied: once for the process. */
let isPatched = false

/**
 * Patches kafkajs to skip unreadable batches of a topic, with a gap for each (`gapAt`): by itself it stops at them, and does not
 * detect damaged ones. Other topics are not affected. Brokers older than 2.3, with another format of responses, are refused by the
 * reader.
 */
export function skipUnreadable(topic: string): void {
  topics.add(topic)
  if (isPatched) return
  isPatched = true
  const decode = response?.decode
  if (typeof decode !== 'function') return
  response.decode = (answer: Buffer) =>
    isOfSkippedTopic(new Decoder(answer)) ? decodeAnswer(new Decoder(answer)) : decode(answer)
}

/** Whether a response is about such a topic only: other readers do not know gaps. */
function isOfSkippedTopic(bytes: Bytes): boolean {
  readHead(bytes)
  return bytes.readInt32() === 1 && topics.has(bytes.readString())
}

async function decodeAnswer(bytes: Bytes) {
  return { ...readHead(bytes), responses: await bytes.readArrayAsync(decodeTopic) }
}

/** Brokers delay throttled responses themselves: `throttleTime` would delay them twice. */
const readHead = (bytes: Bytes) => ({
  throttleTime: 0,
  clientSideThrottleTime: bytes.readInt32(),
  errorCode: bytes.readInt16(),
  sessionId: bytes.readInt32(),
})

const decodeTopic = async (bytes: Bytes) => ({
  topicName: bytes.readString(),
  partitions: await bytes.readArrayAsync(decodePartition),
})

async function decodePartition(bytes: Bytes) {
  const about = {
    partition: bytes.readInt32(),
    errorCode: bytes.readInt16(),
    highWatermark: String(bytes.readInt64()),
    lastStableOffset: String(bytes.readInt64()),
    lastStartOffset: String(bytes.readInt64()),
    abortedTransactions: bytes.readArray(decodeAborted),
    preferredReadReplica: bytes.readInt32(),
  }
  const records = bytes.readBytes() ?? Buffer.alloc(0)
  return { ...about, messages: await decodeRecordSet(records, BigInt(about.highWatermark)) }
}

const decodeAborted = (bytes: Bytes) => ({
  producerId: String(bytes.readInt64()),
  firstOffset: String(bytes.readInt64()),
})
