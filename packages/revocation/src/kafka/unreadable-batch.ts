import kafkajs from 'kafkajs'

/** Offsets of a topic, both included. */
export interface Offsets {
  readonly from: bigint
  readonly to: bigint
}

export interface Unreadable {
  /** What is wrong, as the predicate of a sentence about the batch. */
  readonly reason: string
  /** The name of the compression in Kafka, if that is the cause. */
  readonly compression?: string | undefined
  /** The offsets that readers skip. */
  readonly offsets?: Offsets | undefined
  readonly cause?: unknown
}

const COMPRESSED = 'set compression.type=producer on the topic; the publisher then sends what still matters again'
const DAMAGED =
  'the publisher sends what still matters again; check the disks of the brokers, and which clients may write to the topic'

/**
 * A batch in the topic cannot be read: because of its compression or format, or because it is damaged. It is an error of kafkajs, which
 * would read the batch again after any other.
 *
 * @example
 * ```ts
 * import type { Logger } from '@ledgate/verifier'
 * import { UnreadableBatch } from '@ledgate/verifier/kafka'
 *
 * export const logger: Pick<Logger, 'warn'> = {
 *   warn(fields, message) {
 *     if ('err' in fields && fields.err instanceof UnreadableBatch) console.warn('a batch was skipped: check the topic')
 *     else console.warn(message)
 *   },
 * }
 * ```
 */
export class UnreadableBatch extends kafkajs.KafkaJSNonRetriableError {
  override readonly name = 'UnreadableBatch'
  override readonly cause: Error
  readonly code = 'ERR_UNREADABLE_BATCH'
  readonly reason: string
  /** The name of the compression in Kafka, if that is the cause. */
  readonly compression: string | undefined
  /** Its offsets, if they are known. */
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
