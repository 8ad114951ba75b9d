import { gzipSync, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { decompress, LARGEST_BATCH } from './compression.ts'

/** By the numbers that Kafka's protocol gives them. */
const [GZIP, SNAPPY, LZ4, ZSTD] = [1, 2, 3, 4]
const WAYS = [
  ['gzip', GZIP, gzipSync],
  ['zstd', ZSTD, zstdCompressSync],
] as const

const sizeOf = async (compression: number, bytes: Buffer) => (await decompress(compression, bytes)).length

describe('a batch that was compressed', () => {
  it.each(WAYS)('by %s is read', async (_, compression, compress) => {
    const batch = Buffer.from('a batch of notices '.repeat(100))
    expect(await decompress(compression, compress(batch))).toEqual(batch)
  })

  it.each(WAYS)(
    'by %s is read up to a size, and not further: little may stand for very much',
    async (_, way, compress) => {
      expect(await sizeOf(way, compress(Buffer.alloc(LARGEST_BATCH)))).toBe(LARGEST_BATCH)
      const error = await sizeOf(way, compress(Buffer.alloc(LARGEST_BATCH + 1))).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'ERR_UNREADABLE_BATCH', compression: undefined })
      expect(String(error)).toMatch(/more than 16777216 bytes when decompressed.*which clients may write to the topic/)
    },
  )

  it.each([
    [SNAPPY, 'snappy'],
    [LZ4, 'lz4'],
    [6, '6'],
  ])('in a way that cannot be read (%i) says by what it was compressed, and what to do', async (compression, name) => {
    const error = await decompress(compression, Buffer.from('anything')).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_UNREADABLE_BATCH', compression: name })
    expect(String(error)).toMatch(new RegExp(`${name}.*compression.type=producer.*sends what still matters again`))
  })

  it.each(WAYS)('by %s and is damaged, is called damaged', async (_, compression) => {
    const error = await decompress(compression, Buffer.from('nothing of the kind')).catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(/is damaged: it cannot be decompressed/)
  })
})
