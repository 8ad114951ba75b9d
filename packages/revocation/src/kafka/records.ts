import { type Offsets, UnreadableBatch } from './unreadable-batch.ts'

/** Messages of a batch, and headers of a message, that are taken apart: ours have some thousands, and four. */
export const MOST_MESSAGES = 10_000
export const MOST_HEADERS = 100

/** What a batch of format 2 says in its header, and where its records begin. */
const LAST_OFFSET_DELTA_AT = 23
const COUNT_AT = 57
const RECORDS_AT = 61

/** What a record holds that anything is read from. */
export interface KafkaRecord {
  readonly offset: string
  readonly value: Buffer | null
  readonly headers: Record<string, Buffer | [] | undefined>
}

/** Which offsets a batch says it has. @throws {UnreadableBatch} when it does not say the same of its records, or has too many. */
export function offsetsOf(batch: Buffer): Offsets {
  const from = batch.readBigInt64BE()
  const to = from + BigInt(batch.readInt32BE(LAST_OFFSET_DELTA_AT))
  const count = batch.readInt32BE(COUNT_AT)
  if (count > MOST_MESSAGES) throw new UnreadableBatch({ reason: `has more than ${MOST_MESSAGES} messages` })
  if (BigInt(count) !== to - from + 1n) throw new UnreadableBatch({ reason: 'is damaged: its offsets are wrong' })
  return { from, to }
}

/**
 * The records of a batch that is not compressed, one at each of its offsets: were one missing, whoever skips nothing would not know
 * that something is. kafkajs believes every number that a record says, and takes the square of the time for headers: whoever may write to
 * the topic could stop a process by one message.
 *
 * @throws {Error} when there are others, or fewer than it says.
 */
export function recordsOf(batch: Buffer, { from, to }: Offsets): readonly KafkaRecord[] {
  const records: KafkaRecord[] = []
  const rest = reader(batch.subarray(RECORDS_AT))
  for (let offset = from; offset <= to; offset += 1n) {
    const record = reader(rest.bytes() ?? NONE)
    record.skip(1) // its attributes, which nothing uses
    record.number() // its time
    if (from + BigInt(record.number()) !== offset)
      throw new UnreadableBatch({ reason: 'is damaged: its offsets are wrong' })
    record.bytes() // its key
    records.push({ offset: String(offset), value: record.bytes(), headers: headersOf(record) })
  }
  return records
}

/** A header that is there twice says nothing. */
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

/** Of the tenth byte of a number, which is the last one that 64 bits can need. */
const LARGEST_WORTH = 2 ** 63

/** Goes through bytes, and never beyond their end. */
function reader(all: Buffer) {
  let at = 0

  function skip(length: number): void {
    if (length < 0 || length > all.length - at) throw new RangeError('it ends before it should')
    at += length
  }

  /** A number in as many bytes as it needs, ten at the most, its sign last. */
  function number(): number {
    let zigzag = 0
    for (let worth = 1; ; worth *= 0x80) {
      if (worth > LARGEST_WORTH) throw new RangeError('it has a number of more than 64 bits')
      skip(1)
      const byte = all.readUInt8(at - 1)
      zigzag += (byte & 0x7f) * worth
      if (byte < 0x80) return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
    }
  }

  /** As many as the number in front of them says; with -1 there are none. */
  function bytes(): Buffer | null {
    const length = number()
    if (length === -1) return null
    const start = at
    skip(length)
    return all.subarray(start, at)
  }

  return { skip, number, bytes }
}
