// @ts-expect-error -- kafkajs has no types for what is inside it
import checksumOf from 'kafkajs/src/protocol/recordBatch/crc32C/index.js'
// @ts-expect-error -- the same
import recordOf from 'kafkajs/src/protocol/recordBatch/record/v0/index.js'
// @ts-expect-error -- the same
import recordBatch from 'kafkajs/src/protocol/recordBatch/v0/index.js'

const LENGTH_AT = 8
const COUNTED_FROM = 12
const CHECKSUM_AT = 17
const ATTRIBUTES_AT = 21
const RECORDS_AT = 61

/** The bytes of a batch, as a broker keeps it and gives it. */
export async function batchOf(firstOffset: number, texts: readonly string[]): Promise<Buffer> {
  const records = texts.map((value, offsetDelta) => recordOf({ offsetDelta, timestampDelta: 0, value, headers: {} }))
  const encoder = await recordBatch.RecordBatch({ firstOffset, lastOffsetDelta: texts.length - 1, records })
  return Buffer.from(encoder.buffer)
}

/** A batch after a change that its writer made, and that its checksum is therefore of. */
export function changedBatch(batch: Buffer, change: (batch: Buffer) => void): Buffer {
  const changed = Buffer.from(batch)
  change(changed)
  changed.writeUInt32BE(checksumOf(changed.subarray(ATTRIBUTES_AT)), CHECKSUM_AT)
  return changed
}

/** A batch that says it is compressed in a way, by Kafka's number of it. */
export const compressedBatch = (batch: Buffer, compression: number): Buffer =>
  changedBatch(batch, (of) => void of.writeInt16BE(compression, ATTRIBUTES_AT))

/** A batch with other bytes in place of its records: the same ones compressed, or something else. */
export function packedBatch(batch: Buffer, compression: number, records: Buffer): Buffer {
  const packed = Buffer.concat([batch.subarray(0, RECORDS_AT), records])
  packed.writeInt32BE(packed.length - COUNTED_FROM, LENGTH_AT)
  return compressedBatch(packed, compression)
}
