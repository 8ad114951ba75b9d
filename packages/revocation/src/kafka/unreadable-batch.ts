import kafkajs from 'kafkajs'

/** Offsets of a topic, both included. */
export interface Offsets {
  readonly from: bigint
  readonly to: bigint
}

export interface Unreadable {
  /** What is wrong with it, as the end of a sentence that begins with the batch. */
  readonly reason: string
  /** Kafka's name of the compression, if that is what is wrong. */
  readonly compression?: string | undefined
  /** The offsets that readers skip. */
  readonly offsets?: Offsets | undefined
  readonly cause?: unknown
}

const COMPRESSED = 'set compression.type=producer on the topic; the publisher then sends what still matters again'
const DAMAGED =
  'the publisher sends what still matters again; check the disks of the brokers, and who else may write to the topic'

/** A batch in the topic that nobody here can read: of its compression or format, or because it is damaged. */
export class UnreadableBatch extends kafkajs.KafkaJSNonRetriableError {
  override readonly name = 'UnreadableBatch'
  override readonly cause: Error
  readonly code = 'ERR_UNREADABLE_BATCH'
  readonly reason: string
  /** Kafka's name of the compression, if that is what is wrong. */
  readonly compression: string | undefined
  /** Where it stands, as far as that is known. */
  readonly offsets: Offsets | undefined

  constructor({ reason, compression, offsets, cause }: Unreadable) {
    const which =
      offsets === undefined ? 'a batch in the topic' : `the batch at offsets ${offsets.from} to ${offsets.to}`
    super(`${which} ${reason} and cannot be read: ${compression === undefined ? DAMAGED : COMPRESSED}`)
    this.reason = reason
    this.compression = compression
    this.offsets = offsets
    this.cause = cause instanceof Error ? cause : new Error(reason)
  }
}
