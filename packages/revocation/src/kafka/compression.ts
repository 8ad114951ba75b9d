import { promisify } from 'node:util'
import { zstdDecompress } from 'node:zlib'
import kafkajs from 'kafkajs'

const { CompressionCodecs, CompressionTypes, KafkaJSNonRetriableError } = kafkajs

/** Bytes of a batch once it is decompressed; more is no batch of notices. */
const LARGEST_BATCH = 64 * 1024 * 1024

const decompressed = promisify(zstdDecompress)

/** A batch in the topic was compressed in a way that nobody here can read. */
export class UnreadableBatch extends KafkaJSNonRetriableError {
  override readonly name = 'UnreadableBatch'
  override readonly cause: Error
  readonly code = 'ERR_UNREADABLE_BATCH'
  /** Kafka's name of the compression. */
  readonly compression: string

  constructor(compression: string, cause = new Error(`there is no codec for ${compression}`)) {
    super(
      `a batch in the topic is compressed by ${compression} and cannot be read: set compression.type=producer on the topic, ` +
        'then delete its records up to behind that batch, or delete the topic; the publisher fills it anew',
    )
    this.compression = compression
    this.cause = cause
  }
}

interface Codec {
  compress(): Promise<Buffer>
  decompress(batch: Buffer): Promise<Buffer>
}

const codec = (compression: string, decompress: Codec['decompress']) => (): Codec => ({
  // Nothing of ours is compressed.
  compress: () => Promise.reject(new UnreadableBatch(compression)),
  decompress,
})

const unreadable = (compression: string) => codec(compression, () => Promise.reject(new UnreadableBatch(compression)))

/** Lets kafkajs read what Node can, and say what to do about the rest. What somebody registered before stays. */
export function readCompressions(): void {
  for (const [type, ours] of CODECS) {
    const theirs = CompressionCodecs[type] as unknown
    if (isAbsent(theirs)) CompressionCodecs[type] = ours
  }
}

const CODECS = [
  [
    CompressionTypes.ZSTD,
    codec('zstd', async (batch) => {
      try {
        return await decompressed(batch, { maxOutputLength: LARGEST_BATCH })
      } catch (error) {
        throw new UnreadableBatch('zstd', error instanceof Error ? error : undefined)
      }
    }),
  ],
  [CompressionTypes.LZ4, unreadable('lz4')],
  [CompressionTypes.Snappy, unreadable('snappy')],
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
