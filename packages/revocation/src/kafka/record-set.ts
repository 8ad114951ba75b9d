// A static import, so that a bundler uses the same module instance as kafkajs.
// @ts-expect-error -- kafkajs has no types for what is inside it
import checksumOf from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
import type { KafkaMessage } from 'kafkajs'
import { decompress, LARGEST_BATCH, DecompressionFailed } from './compression.ts'
import { MOST_MESSAGES, offsetsOf, recordsOf } from './records.ts'
import { type Offsets, UnreadableBatch } from './unreadable-batch.ts'

/** The offsets of the fields in a record batch, in bytes. */
const LENGTH_AT = 8
const COUNTED_FROM = 12
const MAGIC_AT = 16
const CHECKSUM_AT = 17
const ATTRIBUTES_AT = 21
const HEADER_BYTES = 61

/** The format of Kafka since 0.11. Earlier formats have no headers, so their heartbeats confirm nothing. */
const MAGIC = 2
const COMPRESSION_BITS = 0x07
const NOT_COMPRESSED = 0
const CONTROL_BIT = 0x20

/** No compression expands a byte to more. For a damaged batch it is unknown how much was decompressed. */
const MOST_OF_A_BYTE = 32 * 1024

const gaps = new WeakMap<object, UnreadableBatch>()

/** What is wrong with the batch that a message stands for: a placeholder at the last offset that cannot be read. */
export const gapAt = (message: KafkaMessage): UnreadableBatch | undefined => gaps.get(message)

/** A placeholder for what cannot be read. */
export function gapOf(unreadable: UnreadableBatch, { to }: Offsets): KafkaMessage {
  const message = { ...EMPTY_MESSAGE, offset: String(to) }
  gaps.set(message, unreadable)
  return message
}

/**
 * A message without content for kafkajs. Also used for the markers of transactions, since every offset must be accounted for.
 */
const EMPTY_MESSAGE = {
  key: null,
  value: null,
  timestamp: '0',
  attributes: 0,
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
}

/**
 * Decodes the messages of one fetch response, in their order, with a gap (`gapAt`) for each batch that cannot be read: up to the next
 * batch, or up to the end of the topic if that cannot be determined. When the response decompresses to too many bytes or messages,
 * the rest is left to the next fetch, like the part that the broker cuts off.
 *
 * @param end the offset of the next message that is written to the topic, at the time of the fetch.
 */
export async function decodeRecordSet(bytes: Buffer, end: bigint): Promise<readonly KafkaMessage[]> {
  const messages: KafkaMessage[] = []
  let taken = 0
  const isMuch = () => taken >= LARGEST_BATCH || messages.length >= MOST_MESSAGES
  for (let at = 0, then = 0; bytes.length - at >= COUNTED_FROM && !isMuch(); at = then) {
    const length = COUNTED_FROM + bytes.readInt32BE(at + LENGTH_AT)
    const isWhole = length >= HEADER_BYTES && length <= bytes.length - at
    // A broker may cut off the last batch, but never the first.
    if (!isWhole && at > 0) break
    then = isWhole ? at + length : bytes.length
    const batch = bytes.subarray(at, then)
    const next = bytes.length - then < LENGTH_AT ? undefined : bytes.readBigInt64BE(then)
    try {
      if (!isWhole) throw new UnreadableBatch({ reason: 'is damaged: its length is wrong' })
      const offsets = checkedOffsets(batch, next)
      const plain = await plainBatch(batch)
      taken += plain.length
      const isControl = (plain.readInt16BE(ATTRIBUTES_AT) & CONTROL_BIT) !== 0
      for (const { offset, value, headers } of recordsOf(plain, offsets))
        messages.push({ ...EMPTY_MESSAGE, offset, ...(!isControl && { value, headers }) })
    } catch (error) {
      const from = batch.readBigInt64BE()
      // The header of a damaged batch is ignored, and the next offset is used only if it is plausible.
      const isNextKnown = next !== undefined && next > from && next <= end
      const offsets = { from, to: (isNextKnown ? next : end) - 1n }
      const { reason, compression, cause } = unreadableBy(error)
      messages.push(gapOf(new UnreadableBatch({ reason, compression, cause, offsets }), offsets))
      // The failed decompression counts as well.
      if (error instanceof DecompressionFailed) taken += Math.min(LARGEST_BATCH, batch.length * MOST_OF_A_BYTE)
      if (!isNextKnown) break
    }
  }
  return messages
}

const unreadableBy = (error: unknown): UnreadableBatch =>
  error instanceof UnreadableBatch
    ? error
    : new UnreadableBatch({ reason: 'is damaged: its records are malformed', cause: error })

/** The offsets of a batch, after its checksum was verified. @throws {UnreadableBatch} */
function checkedOffsets(batch: Buffer, next: bigint | undefined): Offsets {
  const magic = batch.readInt8(MAGIC_AT)
  if (magic !== MAGIC) throw new UnreadableBatch({ reason: `is in format ${magic} and not ${MAGIC}` })
  if (checksumOf(batch.subarray(ATTRIBUTES_AT)) !== batch.readUInt32BE(CHECKSUM_AT))
    throw new UnreadableBatch({ reason: 'is damaged: its checksum is wrong' })
  const offsets = offsetsOf(batch)
  // The checksum does not cover its offset.
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
