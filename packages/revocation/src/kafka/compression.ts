import { promisify } from 'node:util'
// Not by name: older versions of Node have no export for zstd.
import * as zlib from 'node:zlib'
import kafkajs from 'kafkajs'
import { UnreadableBatch } from './unreadable-batch.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** The most bytes of a decompressed batch. Those of the publisher have half a million; compression may shrink a batch to a thousandth. */
export const LARGEST_BATCH = 16 * 1024 * 1024

/** Node cannot decompress a batch: it is too large or damaged. */
export class DecompressionFailed extends UnreadableBatch {
  constructor(cause: unknown) {
    // For damaged input Node throws a plain Error.
    const isTooLarge = cause instanceof RangeError
    const tooLarge = `has more than ${LARGEST_BATCH} bytes when decompressed`
    super({ reason: isTooLarge ? tooLarge : 'is damaged: it cannot be decompressed', cause })
  }
}

type Decompress = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>

/** The compressions that Node has, by their number in Kafka. */
const BY_NODE: ReadonlyMap<number, Decompress> = new Map<number, Decompress>([
  [CompressionTypes.GZIP, promisify<Buffer, zlib.ZlibOptions, Buffer>(zlib.unzip)],
  ...('zstdDecompress' in zlib
    ? [[CompressionTypes.ZSTD, promisify<Buffer, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress)] as const]
    : []),
])

const NAMES: ReadonlyMap<number, string> = new Map([
  [CompressionTypes.GZIP, 'gzip'],
  [CompressionTypes.Snappy, 'snappy'],
  [CompressionTypes.LZ4, 'lz4'],
  [CompressionTypes.ZSTD, 'zstd'],
])

/**
 * Decompresses a batch, by the number of the compression in Kafka. A writer of the topic can send a batch that decompresses to a
 * thousand times its size, and exhaust the memory: decompression by Node has a limit. For lz4 and snappy, a codec that the
 * application registered with kafkajs is used, with or without a limit of its own.
 *
 * @throws {UnreadableBatch}
 */
export async function decompress(compression: number, bytes: Buffer): Promise<Buffer> {
  const byNode = BY_NODE.get(compression)
  try {
    return await (byNode ? byNode(bytes, { maxOutputLength: LARGEST_BATCH }) : byCodec(compression, bytes))
  } catch (error) {
    if (byNode) throw new DecompressionFailed(error)
    const name = NAMES.get(compression) ?? String(compression)
    throw new UnreadableBatch({ reason: `is compressed with ${name}`, compression: name, cause: error })
  }
}

/** @throws {Error} if no codec is registered. */
async function byCodec(compression: number, bytes: Buffer): Promise<Buffer> {
  const made: unknown = CompressionCodecs[compression as keyof typeof CompressionCodecs]
  if (typeof made !== 'function') throw new Error(`kafkajs has no codec for compression ${compression}`)
  return (made as () => { decompress(bytes: Buffer): Promise<Buffer> })().decompress(bytes)
}
