import { zstdCompressSync } from 'node:zlib'
// @ts-expect-error -- kafkajs has no types for what is inside it
import compression from 'kafkajs/src/protocol/message/compression/index.js'
import { describe, expect, it } from 'vitest'
import { openConnection } from '../src/kafka/connection.ts'

interface Lookup {
  lookupCodecByAttributes(attributes: number): { decompress(batch: Buffer): Promise<Buffer> } | null
}
const { lookupCodecByAttributes } = compression as Lookup
/** By the number that Kafka's protocol gives it. */
const read = async (attributes: number, batch: Buffer) => lookupCodecByAttributes(attributes)?.decompress(batch)

describe('a batch that a broker compressed', () => {
  openConnection({ brokers: ['127.0.0.1:9'] }).cut()

  it('by zstd is read', async () => {
    const batch = Buffer.from('a batch of notices '.repeat(100))
    expect(await read(4, zstdCompressSync(batch))).toEqual(batch)
  })

  it.each([
    [2, 'snappy'],
    [3, 'lz4'],
    [4, 'zstd'],
  ])('that cannot be read (%i) says by what it was compressed, and what to do', async (attributes, name) => {
    const error = await read(attributes, Buffer.from('nothing of the kind')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_UNREADABLE_BATCH', compression: name })
    expect(String(error)).toMatch(new RegExp(`${name}.*compression.type=producer.*sends what still matters again`))
  })
})
