import { gzipSync, zstdCompressSync } from 'node:zlib'
import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { LARGEST_BATCH } from '../src/kafka/compression.ts'
import { BrokenTopic, continuity } from '../src/kafka/continuity.ts'
import { decodeRecordSet, gapAt } from '../src/kafka/record-set.ts'
import { MOST_HEADERS, MOST_MESSAGES } from '../src/kafka/records.ts'
import { batchOf, changedBatch, compressedBatch, packedBatch } from './record-batch.ts'

const [first, second, third] = [
  await batchOf(10, ['a', 'b']),
  await batchOf(12, ['c']),
  await batchOf(13, ['d', 'e', 'f']),
]
const END = 16n

/** A number as records have it. */
function varint(number: number): Buffer {
  const bytes: number[] = []
  let rest = 2 * number
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** What a reader of the topic gets: each message with its offset, and what is missing with why. */
const read = async (bytes: Buffer, end = END) =>
  (await decodeRecordSet(bytes, end)).map((message) => {
    const gap = gapAt(message)
    return gap === undefined
      ? `${message.offset} ${String(message.value)}`
      : `gap ${gap.offsets?.from} to ${message.offset}: ${gap.message}`
  })

const altered = (batch: Buffer, at: number, value: number): Buffer => {
  const bytes = Buffer.from(batch)
  bytes[at] = value
  return bytes
}

describe('what a fetch gives', () => {
  it('is read message by message', async () => {
    expect(await read(Buffer.concat([first, second, third]))).toEqual(['10 a', '11 b', '12 c', '13 d', '14 e', '15 f'])
    expect(await read(Buffer.alloc(0))).toEqual([])
  })

  it('is read up to the batch that the broker has cut off', async () => {
    for (const size of [0, 5, 11, 12, 30, third.length - 1])
      expect(await read(Buffer.concat([first, second, third.subarray(0, size)]))).toEqual(['10 a', '11 b', '12 c'])
  })

  const unreadable: [string, (batch: Buffer) => Buffer, RegExp][] = [
    [
      'compressed with snappy',
      (batch) => compressedBatch(batch, 2),
      /is compressed with snappy .*compression.type=producer/,
    ],
    ['compressed with lz4', (batch) => compressedBatch(batch, 3), /is compressed with lz4 .*compression.type=producer/],
    ['damaged under zstd', (batch) => compressedBatch(batch, 4), /is damaged/],
    ['damaged under gzip', (batch) => compressedBatch(batch, 1), /is damaged/],
    ['compressed in a way that nobody knows', (batch) => compressedBatch(batch, 6), /is compressed with 6 /],
    ['with a wrong checksum', (batch) => altered(batch, batch.length - 2, 0x7f), /its checksum is wrong/],
    ['of an unknown format', (batch) => altered(batch, 16, 3), /is in format 3/],
    ['of the format before', (batch) => altered(batch, 16, 1), /is in format 1/],
    [
      'with fewer records than offsets',
      (batch) => changedBatch(batch, (of) => void of.writeInt32BE(9, 23)),
      /its offsets are wrong/,
    ],
    [
      'with more records than there are',
      (batch) => changedBatch(batch, (of) => void of.writeInt32BE(1_000, 57)),
      /is damaged/,
    ],
  ]
  it.each(unreadable)('has a gap for a batch %s, and what is behind it', async (_, spoil, reason) => {
    const found = await read(Buffer.concat([first, spoil(second), third]))
    expect(found).toEqual(['10 a', '11 b', expect.stringMatching(/^gap 12 to 12: /), '13 d', '14 e', '15 f'])
    expect(found[2]).toMatch(reason)
  })
  it.each(unreadable)('has a gap up to its end for a last batch %s', async (_, spoil) => {
    expect(await read(Buffer.concat([first, second, spoil(third)]))).toEqual([
      '10 a',
      '11 b',
      '12 c',
      expect.stringMatching(/^gap 13 to 15: /),
    ])
    expect(await read(spoil(first), 40n)).toEqual([expect.stringMatching(/^gap 10 to 39: /)])
  })

  it.each([
    ['gzip', 1, gzipSync],
    ['zstd', 4, zstdCompressSync],
  ] as const)('is read where it was compressed with %s', async (_, compression, compress) => {
    const packed = packedBatch(second, compression, compress(second.subarray(61)))
    expect(await read(Buffer.concat([first, packed, third]))).toEqual(['10 a', '11 b', '12 c', '13 d', '14 e', '15 f'])
  })

  it('is left to the next fetch from where it has become much: little may stand for very much', async () => {
    const records = first.subarray(61)
    const large = packedBatch(
      first,
      1,
      gzipSync(Buffer.concat([records, Buffer.alloc(LARGEST_BATCH - records.length)])),
    )
    expect(await read(Buffer.concat([large, second, third]))).toEqual(['10 a', '11 b'])
    const bomb = packedBatch(first, 1, gzipSync(Buffer.alloc(LARGEST_BATCH + 1)))
    expect(await read(Buffer.concat([bomb, second, third]))).toEqual([
      expect.stringMatching(/^gap 10 to 11: .*more than 16777216 bytes when decompressed/),
    ])
  })

  it('is left to the next fetch after what was decompressed in vain: that is work as well', async () => {
    const spoilt = gzipSync(Buffer.alloc(LARGEST_BATCH - 1))
    spoilt.writeUInt8(spoilt.readUInt8(spoilt.length - 5) ^ 1, spoilt.length - 5)
    const batches = [packedBatch(first, 1, spoilt), packedBatch(second, 1, spoilt), third]
    expect(await read(Buffer.concat(batches))).toEqual([
      expect.stringMatching(/^gap 10 to 11: .*cannot be decompressed/),
    ])
  })

  it('is left to the next fetch from where there are many messages', async () => {
    const many = await batchOf(0, Array<string>(MOST_MESSAGES).fill(''))
    const behind = await batchOf(MOST_MESSAGES, ['behind'])
    expect(await read(Buffer.concat([many, behind]), 20_000n)).toHaveLength(MOST_MESSAGES)
    const tooMany = await batchOf(0, Array<string>(MOST_MESSAGES + 1).fill(''))
    expect(await read(tooMany, 20_000n)).toEqual([expect.stringMatching(/^gap .*has more than 10000 messages/)])
  })

  /** A record that says to have so many headers, and has those that follow. */
  const withHeaders = (count: number | Buffer, headers: readonly Buffer[]): Buffer => {
    const told = typeof count === 'number' ? varint(count) : count
    const body = Buffer.concat([Buffer.from([0, 0, 0, 1, 1]), told, ...headers])
    return packedBatch(second, 0, Buffer.concat([varint(body.length), body]))
  }
  const header = (name: string, value: string) =>
    Buffer.concat([varint(name.length), Buffer.from(name), varint(value.length), Buffer.from(value)])
  const headersOf = async (batch: Buffer) => (await decodeRecordSet(batch, 13n)).map(({ headers }) => headers)

  it('takes no time for headers that a message says to have, and not much for those that it has', async () => {
    expect(await read(withHeaders(2 ** 31 - 1, []), 13n)).toEqual([
      expect.stringMatching(/^gap .*more than 100 headers/),
    ])
    expect(await read(withHeaders(MOST_HEADERS, []), 13n)).toEqual([
      expect.stringMatching(/^gap .*its records are malformed/),
    ])
    const all = Array.from({ length: MOST_HEADERS + 1 }, (_, nth) => header(`h${nth}`, ''))
    expect(await read(withHeaders(MOST_HEADERS + 1, all), 13n)).toEqual([
      expect.stringMatching(/^gap .*more than 100 headers/),
    ])
    expect(Object.keys((await headersOf(withHeaders(MOST_HEADERS, all)))[0] ?? {})).toHaveLength(MOST_HEADERS)
  })

  it('is a gap where a number has more bytes than 64 bits need', async () => {
    const endless = Buffer.concat([Buffer.alloc(200, 0x80), Buffer.from([0])])
    expect(await read(withHeaders(endless, []), 13n)).toEqual([
      expect.stringMatching(/^gap .*its records are malformed/),
    ])
  })

  it('has each header under its own name, and none that is there twice', async () => {
    const twice = [header('since', '1'), header('__proto__', '2'), header('previous', '3'), header('since', '4')]
    const [headers = {}] = await headersOf(withHeaders(twice.length, twice))
    expect(Object.keys(headers).toSorted()).toEqual(['__proto__', 'previous', 'since'])
    expect([String(headers['previous']), headers['since']]).toEqual(['3', []])
  })

  it.each([
    ['longer than it is', 1_000_000],
    ['shorter than a batch can be', 7],
    ['negative', -1],
  ])('ends with a gap at a batch whose length is %s', async (_, length) => {
    const spoilt = Buffer.from(first)
    spoilt.writeInt32BE(length, 8)
    expect(await read(Buffer.concat([spoilt, second]))).toEqual([
      expect.stringMatching(/^gap 10 to 15: .*its length is wrong/),
    ])
  })

  it('believes no offset that does not fit to the batch behind it', async () => {
    const moved = Buffer.from(second)
    moved.writeBigInt64BE(14n)
    expect(await read(Buffer.concat([first, moved, third]))).toEqual([
      expect.stringMatching(/^gap 10 to 13: .*its offsets are wrong/),
      expect.stringMatching(/^gap 14 to 15: .*its offsets are wrong/),
    ])
  })

  it('has something at each offset, also where a transaction ended', async () => {
    const ended = changedBatch(second, (of) => void of.writeInt16BE(0x30, 21))
    expect(await read(Buffer.concat([first, ended, third]))).toEqual([
      '10 a',
      '11 b',
      '12 null',
      '13 d',
      '14 e',
      '15 f',
    ])
  })
})

/** Where a reader has begun that comes to a message, by its offset; what it cannot go on from is left out. */
function beganBefore(messages: readonly KafkaMessage[]): ReadonlyMap<string, bigint> {
  const order = continuity(undefined)
  const came = new Map<string, bigint>()
  try {
    const parts = order.fetched(messages.filter((message) => gapAt(message) === undefined)) ?? []
    for (const { began, messages: of } of parts) for (const { offset } of of) came.set(offset, began)
  } catch (error) {
    if (!(error instanceof BrokenTopic)) throw error
  }
  return came
}

it('whatever bytes are damaged, nobody takes one message for another, or for read what was not', async () => {
  const whole = Buffer.concat([first, second, third, await batchOf(16, ['g'])])
  const said = await read(whole, 17n)
  // Where the last batch stands is not in its checksum, and there is nothing behind it yet that it would have to fit to.
  const lastPlace = first.length + second.length + third.length
  const anyByte = fc.nat({ max: whole.length - 1 - 8 }).map((at) => (at < lastPlace ? at : at + 8))
  const anyDamage = fc.array(fc.record({ at: anyByte, value: fc.nat({ max: 255 }) }), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(anyDamage, async (damage) => {
      const bytes = Buffer.from(whole)
      for (const { at, value } of damage) bytes[at] = value
      const messages = await decodeRecordSet(bytes, 17n)
      const came = beganBefore(messages)
      const readAt = messages.filter((message) => gapAt(message) === undefined)
      for (const { offset, value } of readAt) expect(said).toContain(`${offset} ${String(value)}`)
      for (const [offset, began] of came)
        for (let at = began; at <= BigInt(offset); at += 1n) expect(came.has(String(at))).toBe(true)
    }),
    { numRuns: rounds({ quick: 300, long: 50_000 }) },
  )
})
