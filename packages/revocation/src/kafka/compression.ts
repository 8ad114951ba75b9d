import { promisify } from 'node:util'
// Not by name: a Node that does not have zstd yet has no such export.
import * as zlib from 'node:zlib'
import kafkajs from 'kafkajs'
import { UnreadableBatch } from './unreadable-batch.ts'

const { CompressionCodecs, CompressionTypes } = kafkajs

/** Bytes of a batch once it is decompressed. Ours have half a million; a thousandth of what comes out may be sent. */
export const LARGEST_BATCH = 16 * 1024 * 1024

/** A batch that Node decompressed in vain: up to the limit, or to where it is damaged. */
export class Undecompressed extends UnreadableBatch {
  constructor(cause: unknown) {
    // Of what is damaged Node says it by a plain Error.
    const isTooLarge = cause instanceof RangeError
    const tooLarge = `has more than ${LARGEST_BATCH} bytes once it is decompressed`
    super({ reason: isTooLarge ? tooLarge : 'is damaged: it cannot be decompressed', cause })
  }
}

type Decompress = (bytes: Buffer, options: { readonly maxOutputLength: number }) => Promise<Buffer>

/** What Node can, by Kafka's number of it. */
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
 * What was compressed, by Kafka's number of the way. Whoever may write to the topic can send what becomes a thousand times as
 * much, and more than a process can hold: what Node decompresses has a limit. For lz4 and snappy, a codec that somebody registered with
 * kafkajs is asked, which has a limit or none.
 *
 * @throws {UnreadableBatch}
 */
export async function decompress(compression: number, bytes: Buffer): Promise<Buffer> {
  const byNode = BY_NODE.get(compression)
  try {
    return await (byNode ? byNode(bytes, { maxOutputLength: LARGEST_BATCH }) : byCodec(compression, bytes))
  } catch (error) {
    if (byNode) throw new Undecompressed(error)
    const name = NAMES.get(compression) ?? String(compression)
    throw new UnreadableBatch({ reason: `is compressed with ${name}`, compression: name, cause: error })
  }
}

/** @throws {Error} when there is none. */
async function byCodec(compression: number, bytes: Buffer): Promise<Buffer> {
  const made: unknown = CompressionCodecs[compression as keyof typeof CompressionCodecs]
  if (typeof made !== 'function') throw new Error(`kafkajs knows no compression ${compression}`)
  return (made as () => { decompress(bytes: Buffer): Promise<Buffer> })().decompress(bytes)
}
