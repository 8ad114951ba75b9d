import { promisify } from 'node:util'
// Not by name: a Node that does not have zstd yet has no such export.
import * as zlib from 'node:zlib'
import kafkajs from 'kafkajs'
import { UnreadableBatch } from './unreadable-batch.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** Bytes of a batch once it is decompressed; more is no batch of notices. */
const LARGEST_BATCH = 64 * 1024 * 1024

const decompressed = 'zstdDecompress' in zlib ? promisify(zlib.zstdDecompress) : undefined

interface Codec {
  compress(): Promise<Buffer>
  decompress(batch: Buffer): Promise<Buffer>
}

const unreadable = (compression: string, cause?: unknown) =>
  new UnreadableBatch({ reason: `is compressed with ${compression}`, compression, cause })

const codec = (compression: string, decompress: Codec['decompress']) => (): Codec => ({
  // Nothing of ours is compressed.
  compress: () => Promise.reject(unreadable(compression)),
  decompress,
})

const absent = (compression: string) => codec(compression, () => Promise.reject(unreadable(compression)))

const zstd = (decompress: NonNullable<typeof decompressed>) =>
  codec('zstd', async (batch) => {
    try {
      return await decompress(batch, { maxOutputLength: LARGEST_BATCH })
    } catch (error) {
      throw unreadable('zstd', error)
    }
  })

/** Lets kafkajs read what Node can, and say what to do about the rest. What somebody registered before stays. */
export function readCompressions(): void {
  for (const [type, ours] of CODECS) {
    const theirs = CompressionCodecs[type] as unknown
    if (isAbsent(theirs)) CompressionCodecs[type] = ours
  }
}

const CODECS = [
  [CompressionTypes.ZSTD, decompressed === undefined ? absent('zstd') : zstd(decompressed)],
  [CompressionTypes.LZ4, absent('lz4')],
  [CompressionTypes.Snappy, absent('snappy')],
] as const

/** Whether kafkajs has nothing there but a function that says so. */
function isAbsent(made: unknown): boolean {
  if (typeof made !== 'function') return true
  try {
    made()
    return false
  } catch {
    return true
  }
}
