// By statements, so that a bundler takes in the very modules that it takes in with kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import Decoder from 'kafkajs/src/protocol/decoder.js'
// @ts-expect-error -- the same
import response from 'kafkajs/src/protocol/requests/fetch/v11/response.js'
import { decodeRecordSet } from './record-set.ts'

/** What kafkajs takes an answer of Kafka apart with. */
interface Bytes {
  readInt16(): number
  readInt32(): number
  readInt64(): bigint
  readString(): string
  /** As many as the number in front of them says. */
  readBytes(): Buffer | null
  readArray<Item>(read: (bytes: Bytes) => Item): Item[]
  readArrayAsync<Item>(read: (bytes: Bytes) => Promise<Item>): Promise<Item[]>
}

/** Whose batches that cannot be read are gaps. */
const topics = new Set<string>()
/** Whether it was mended: it is one for the process. */
let isMended = false

/**
 * Lets kafkajs give all of a topic that can be read, with a gap for what cannot (`gapAt`): by itself it gives nothing behind that,
 * and what is damaged as if it were not. Other topics stay as they are; brokers from before 2.3, whose answers are of another kind, are refused where one reads.
 */
export function passOverUnreadable(topic: string): void {
  topics.add(topic)
  if (isMended) return
  isMended = true
  const decode = response?.decode
  if (typeof decode !== 'function') return
  response.decode = (answer: Buffer) =>
    isOfOurs(new Decoder(answer)) ? decodeAnswer(new Decoder(answer)) : decode(answer)
}

/** Whether an answer is about such a topic, and nothing else: whoever asks for others as well does not know what a gap is. */
function isOfOurs(bytes: Bytes): boolean {
  readHead(bytes)
  return bytes.readInt32() === 1 && topics.has(bytes.readString())
}

async function decodeAnswer(bytes: Bytes) {
  return { ...readHead(bytes), responses: await bytes.readArrayAsync(decodeTopic) }
}

/** Brokers delay by themselves what they throttle: `throttleTime` would delay it twice. */
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
