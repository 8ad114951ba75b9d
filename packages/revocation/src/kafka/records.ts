import { type Offsets, UnreadableBatch } from './unreadable-batch.ts'

/** The most messages of a batch, and headers of a message: those of the publisher have some thousands, and four. */
export const MOST_MESSAGES = 10_000
export const MOST_HEADERS = 100

/** The offsets of fields in a batch of format 2, and of its records, in bytes. */
const LAST_OFFSET_DELTA_AT = 23
const COUNT_AT = 57
const RECORDS_AT = 61

/** The fields of a record that are used. */
export interface KafkaRecord {
  readonly offset: string
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | [] | undefined>
}

/** The offsets in the header of a batch. @throws {UnreadableBatch} if they contradict its number of records, or are too many. */
export function offsetsOf(batch: Buffer): Offsets {
  const from = batch.readBigInt64BE()
  const to = from + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT))
  const count = batch.readInt32BE(COUNT_AT)
  if (count > MOST_MESSAGES) throw new UnreadableBatch({ reason: `has more than ${MOST_MESSAGES} messages` })
  if (BigInt(count) !== to - from + 1n) throw new UnreadableBatch({ reason: 'is damaged: its offsets are wrong' })
  return { from, to }
}

/**
 * Parses the records of an uncompressed batch, one at each of its offsets: a missing one would be an undetected gap. kafkajs trusts
 * every length in a record, and its parser of headers is quadratic: a writer of the topic could stop a process with one message.
 *
 * @throws {Error} if the records do not match the offsets of the batch.
 */
export function recordsOf(batch: Buffer, { from, to }: Offsets): readonly KafkaRecord[] {
  const records: KafkaRecord[] = []
  const rest = reader(batch.subarray(RECORDS_AT))
  for (let offset = from; offset <= to; offset += 1n) {
    const record = reader(rest.bytes() ?? NONE)
    record.skip(1) // attributes, unused
    record.number() // timestamp
    if (from + BigInt(record.number()) !== offset)
      throw new UnreadableBatch({ reason: 'is damaged: its offsets are wrong' })
    record.bytes() // key
    records.push({ offset: String(offset), value: record.bytes(), headers: headersOf(record) })
  }
  return records
}

/** A header that occurs twice has no value. */
function headersOf(record: Reader): KafkaRecord['headers'] {
  const count = record.number()
  if (count > MOST_HEADERS)
    throw new UnreadableBatch({ reason: `has a message with more than ${MOST_HEADERS} headers` })
  const headers = new Map<string, Buffer | [] | undefined>()
  for (let left = count; left > 0; left -= 1) {
    const [name, value] = [String(record.bytes() ?? NONE), record.bytes() ?? undefined]
    headers.set(name, headers.has(name) ? [] : value)
  }
  return Object.fromEntries(headers)
}

type Reader = ReturnType<typeof reader>

const NONE = Buffer.alloc(0)

/** The place value of the tenth byte of a varint, the last one that 64 bits can need. */
const LARGEST_WORTH = 2 ** 63

/** Reads bytes in order, and never beyond their end. */
function reader(all: Buffer) {
  let at = 0

  function skip(length: number): void {
    if (length < 0 || length > all.length - at) throw new RangeError('the record ends too early')
    at += length
  }

  /** A zigzag varint of at most ten bytes. */
  function number(): number {
    let zigzag = 0
    for (let worth = 1; ; worth *= 0x80) {
      if (worth > LARGEST_WORTH) throw new RangeError('a number in the record has more than 64 bits')
      skip(1)
      const byte = all.readUInt8(at - 1)
      zigzag += (byte & 0x7f) * worth
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
  }

  /** Bytes with their length in front; `null` for a length of -1. */
  function bytes(): Buffer | null {
    const length = number()
    if (length === -1) return null
    const start = at
    skip(length)
    return all.subarray(start, at)
  }

  return { skip, number, bytes }
}
