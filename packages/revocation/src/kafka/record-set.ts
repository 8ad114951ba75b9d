// By statements, so that a bundler takes in the very modules that it takes in with kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import Decoder from 'kafkajs/src/protocol/decoder.js'
// @ts-expect-error -- the same
import checksumOf from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
// @ts-expect-error -- the same
import decodeRecordBatch from 'kafkajs/src/protocol/recordBatch/v0/decoder.js'
import type { KafkaMessage } from 'kafkajs'
import { decompress, LARGEST_BATCH, TooLargeBatch } from './compression.ts'
import { type Offsets, UnreadableBatch } from './unreadable-batch.ts'

/** Where the parts of a batch of records stand in its bytes. */
const LENGTH_AT = 8
const COUNTED_FROM = 12
const MAGIC_AT = 16
const CHECKSUM_AT = 17
const ATTRIBUTES_AT = 21
const LAST_OFFSET_DELTA_AT = 23
const HEADER_BYTES = 61

/** Of Kafka since 0.11: what came before has no headers, and so vouches for nothing. */
const MAGIC = 2
const COMPRESSION_BITS = 0x07
const NOT_COMPRESSED = 0

const gaps = new WeakMap<object, UnreadableBatch>()

/** What is wrong with the batch for which a message stands: it is none itself, and is the last that is not there. */
export const gapAt = (message: KafkaMessage): UnreadableBatch | undefined => gaps.get(message)

/** A message that stands for what cannot be read. */
export function gapOf(unreadable: UnreadableBatch, { to }: Offsets): KafkaMessage {
  const message = { ...NOTHING, offset: String(to) }
  gaps.set(message, unreadable)
  return message
}

/** A message without any meaning, as kafkajs takes one. */
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
 * behind it, or up to the end of the topic if none can be made out. When it has become much once decompressed, the rest is left
 * to the next fetch, as the broker does with what it cuts off.
 *
 * @param end the offset at which the next message of the topic will be written, or was when it was asked for.
 */
export async function decodeRecordSet(bytes: Buffer, end: bigint): Promise<readonly KafkaMessage[]> {
  const messages: KafkaMessage[] = []
  let taken = 0
  for (let at = 0, then = 0; bytes.length - at >= COUNTED_FROM && taken < LARGEST_BATCH; at = then) {
    const length = COUNTED_FROM + bytes.readInt32BE(at + LENGTH_AT)
    const isWhole = length >= HEADER_BYTES && length <= bytes.length - at
    // A broker cuts off the last one, and never the first.
    if (!isWhole && at > 0) break
    then = isWhole ? at + length : bytes.length
    const batch = bytes.subarray(at, then)
    const next = bytes.length - then < LENGTH_AT ? undefined : bytes.readBigInt64BE(then)
    try {
      if (!isWhole) throw new UnreadableBatch({ reason: 'is damaged: its length is wrong' })
      const plain = await plainBatch(batch)
      taken += plain.length
      for (const record of await recordsOf(plain, next)) messages.push(record)
    } catch (error) {
      const from = batch.readBigInt64BE()
      // What stands in the header of a damaged one is not believed, and what comes next only if it can be.
      const isNextKnown = next !== undefined && next > from && next <= end
      const offsets = { from, to: (isNextKnown ? next : end) - 1n }
      const { reason, compression, cause } = unreadableBy(error)
      messages.push(gapOf(new UnreadableBatch({ reason, compression, cause, offsets }), offsets))
      // To find that out is work.
      if (error instanceof TooLargeBatch) taken += LARGEST_BATCH
      if (!isNextKnown) break
    }
  }
  return messages
}

const unreadableBy = (error: unknown): UnreadableBatch =>
  error instanceof UnreadableBatch
    ? error
    : new UnreadableBatch({ reason: 'is damaged: what is in it are no messages', cause: error })

/** The batch without its compression. @throws {UnreadableBatch} */
async function plainBatch(batch: Buffer): Promise<Buffer> {
  const magic = batch.readInt8(MAGIC_AT)
  if (magic !== MAGIC) throw new UnreadableBatch({ reason: `is of format ${magic}, where only ${MAGIC} is known` })
  // kafkajs does not look at it.
  if (checksumOf(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CHECKSUM_AT))
    throw new UnreadableBatch({ reason: 'is damaged: its checksum is wrong' })
  const attributes = batch.readInt16BE(ATTRIBUTES_AT)
  const compression = attributes & COMPRESSION_BITS
  if (compression === NOT_COMPRESSED) return batch
  const records = await decompress(compression, batch.subarray(HEADER_BYTES))
  const plain = Buffer.concat([batch.subarray(0, HEADER_BYTES), records])
  plain.writeInt16BE(attributes & ~COMPRESSION_BITS, ATTRIBUTES_AT)
  plain.writeInt32BE(plain.length - COUNTED_FROM, LENGTH_AT)
  return plain
}

/** @throws {Error} when they cannot be read. */
async function recordsOf(batch: Buffer, next: bigint | undefined): Promise<readonly KafkaMessage[]> {
  const { records }: { records: readonly Decoded[] } = await decodeRecordBatch(new Decoder(batch))
  const from = batch.readBigInt64BE()
  const to = from + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT))
  if (!areAt(records, { from, to }) || (next !== undefined && next !== to + 1n))
    throw new UnreadableBatch({ reason: 'is damaged: its offsets are wrong' })
  return records.map(plain)
}

type Decoded = KafkaMessage & { readonly isControlRecord?: boolean }

/** That a transaction of somebody ended says nothing here, but what stands at every offset has to be seen. */
const plain = (record: Decoded): KafkaMessage =>
  record.isControlRecord === true ? { ...NOTHING, offset: record.offset } : record

/** Whether there is one at each offset. Were one missing, whoever skips nothing would not know that something is. */
const areAt = (records: readonly KafkaMessage[], { from, to }: Offsets): boolean =>
  BigInt(records.length) === to - from + 1n && records.every(({ offset }, nth) => BigInt(offset) === from + BigInt(nth))
