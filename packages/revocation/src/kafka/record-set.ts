// By a statement, so that a bundler takes in the very module that it takes in with kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import checksumOf from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
import type { KafkaMessage } from 'kafkajs'
import { decompress, LARGEST_BATCH, Undecompressed } from './compression.ts'
import { MOST_MESSAGES, offsetsOf, recordsOf } from './records.ts'
import { type Offsets, UnreadableBatch } from './unreadable-batch.ts'

/** Where the parts of a batch of records stand in its bytes. */
const LENGTH_AT = 8
const COUNTED_FROM = 12
const MAGIC_AT = 16
const CHECKSUM_AT = 17
const ATTRIBUTES_AT = 21
const HEADER_BYTES = 61

/** Of Kafka since 0.11: what came before has no headers, and so vouches for nothing. */
const MAGIC = 2
const COMPRESSION_BITS = 0x07
const NOT_COMPRESSED = 0
const CONTROL_BIT = 0x20

/** No way to compress makes more of a byte. Of what is damaged nobody says how much was made. */
const MOST_OF_A_BYTE = 32 * 1024

const gaps = new WeakMap<object, UnreadableBatch>()

/** What is wrong with the batch for which a message stands: it is none itself, and is the last that is not there. */
export const gapAt = (message: KafkaMessage): UnreadableBatch | undefined => gaps.get(message)

/** A message that stands for what cannot be read. */
export function gapOf(unreadable: UnreadableBatch, { to }: Offsets): KafkaMessage {
  const message = { ...NOTHING, offset: String(to) }
  gaps.set(message, unreadable)
  return message
}

/**
 * A message without any meaning, as kafkajs takes one. Also where a transaction of somebody ended: what stands at every offset has to
 * be seen.
 */
const NOTHING = {
  key: null,
  value: null,
  timestamp: '0',
  attributes: 0,
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
}

/**
 * The messages of one answer to a fetch, in their order, and a gap (`gapAt`) for each batch that cannot be read: up to the batch
 * behind it, or up to the end of the topic if none can be made out. When it has become much once decompressed, or many, the rest is
 * left to the next fetch, as the broker does with what it cuts off.
 *
 * @param end the offset at which the next message of the topic will be written, or was when it was asked for.
 */
export async function decodeRecordSet(bytes: Buffer, end: bigint): Promise<readonly KafkaMessage[]> {
  const messages: KafkaMessage[] = []
  let taken = 0
  const isMuch = () => taken >= LARGEST_BATCH || messages.length >= MOST_MESSAGES
  for (let at = 0, then = 0; bytes.length - at >= COUNTED_FROM && !isMuch(); at = then) {
    const length = COUNTED_FROM + bytes.readInt32BE(at + LENGTH_AT)
    const isWhole = length >= HEADER_BYTES && length <= bytes.length - at
    // A broker cuts off the last one, and never the first.
    if (!isWhole && at > 0) break
    then = isWhole ? at + length : bytes.length
    const batch = bytes.subarray(at, then)
    const next = bytes.length - then < LENGTH_AT ? undefined : bytes.readBigInt64BE(then)
    try {
      if (!isWhole) throw new UnreadableBatch({ reason: 'is damaged: its length is wrong' })
      const offsets = believed(batch, next)
      const plain = await plainBatch(batch)
      taken += plain.length
      const isControl = (plain.readInt16BE(ATTRIBUTES_AT) & CONTROL_BIT) !== 0
      for (const { offset, value, headers } of recordsOf(plain, offsets))
        messages.push({ ...NOTHING, offset, ...(!isControl && { value, headers }) })
    } catch (error) {
      const from = batch.readBigInt64BE()
      // What stands in the header of a damaged one is not believed, and what comes next only if it can be.
      const isNextKnown = next !== undefined && next > from && next <= end
      const offsets = { from, to: (isNextKnown ? next : end) - 1n }
      const { reason, compression, cause } = unreadableBy(error)
      messages.push(gapOf(new UnreadableBatch({ reason, compression, cause, offsets }), offsets))
      // To find that out is work.
      if (error instanceof Undecompressed) taken += Math.min(LARGEST_BATCH, batch.length * MOST_OF_A_BYTE)
      if (!isNextKnown) break
    }
  }
  return messages
}

const unreadableBy = (error: unknown): UnreadableBatch =>
  error instanceof UnreadableBatch
    ? error
    : new UnreadableBatch({ reason: 'is damaged: what is in it are no messages', cause: error })

/** Which offsets it has, as its checksum says. @throws {UnreadableBatch} */
function believed(batch: Buffer, next: bigint | undefined): Offsets {
  const magic = batch.readInt8(MAGIC_AT)
  if (magic !== MAGIC) throw new UnreadableBatch({ reason: `is of format ${magic}, where only ${MAGIC} is known` })
  if (checksumOf(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CHECKSUM_AT))
    throw new UnreadableBatch({ reason: 'is damaged: its checksum is wrong' })
  const offsets = offsetsOf(batch)
  // Where it stands is not in its checksum.
  if (next !== undefined && next !== offsets.to + 1n)
    throw new UnreadableBatch({ reason: 'is damaged: its offsets are wrong' })
  return offsets
}

/** The batch without its compression. @throws {UnreadableBatch} */
async function plainBatch(batch: Buffer): Promise<Buffer> {
  const compression = batch.readInt16BE(ATTRIBUTES_AT) & COMPRESSION_BITS
  if (compression === NOT_COMPRESSED) return batch
  return Buffer.concat([batch.subarray(0, HEADER_BYTES), await decompress(compression, batch.subarray(HEADER_BYTES))])
}
