import type { FeedItem, OpenFeed, RevocationSource } from '../feed/index.ts'
import { checkKafkaOptions } from './kafka-options.ts'
import type { KafkaOptions } from './connection.ts'
import { readTopic } from './topic-reader.ts'
import type { UnreadableBatch } from './unreadable-batch.ts'

export interface KafkaRevocationsOptions extends KafkaOptions {
  /**
   * The prefix of the names of consumer groups, for an ACL. Default: `ledgate`. Each connection has a group of its own and deletes it
   * at its end. A group that is left behind because Kafka was unreachable is empty, and brokers delete it after
   * `offsets.retention.minutes`, by default a week.
   */
  readonly groupPrefix?: string | undefined
  /**
   * For a publisher, which must know whether its last message still exists: a connection whose cursor no longer matches its message
   * ends with `BrokenTopic` instead of restarting at the beginning, and one that comes to an unreadable batch ends with
   * `UnreadableBatch` instead of continuing behind it. If the message exists and is the last one, the first batch is empty. If its
   * offset is the next to be written, the connection waits for it: check the range of the topic, too.
   */
  readonly neverRestarts?: boolean | undefined
  /** The offset at which a connection without a cursor starts. Default: the beginning of the topic. */
  readonly startsAt?: bigint | undefined
  /**
   * Milliseconds, up to 1,000, to pause at the end of the topic; messages that arrive meanwhile are fetched together. Default: 5.
   */
  readonly restMs?: number | undefined
}

/**
 * Reads revocations from Kafka, milliseconds after they were published. A connection reads the whole topic, or what follows its
 * cursor if that message still exists. It ends with an error as soon as the topic was replaced, the connection is lost, or Kafka
 * does not answer within `deadlineMs`. An unreadable batch is skipped, and reported once: the reader then counts as started behind
 * it, so that no heartbeat counts which confirms its content.
 *
 * @throws {TypeError} if the options are invalid: addresses, the name of the topic, or certificates.
 * @example
 * ```ts
 * import { createVerifier } from '@ledgate/verifier'
 * import { kafkaRevocations } from '@ledgate/verifier/kafka'
 *
 * export const verifier = createVerifier({
 *   issuer: 'https://id.example',
 *   audience: 'https://api.example',
 *   revocations: kafkaRevocations({ brokers: ['kafka-1:9092', 'kafka-2:9092'], clientId: 'orders-api' }),
 * })
 * ```
 */
export function kafkaRevocations(options: KafkaRevocationsOptions): RevocationSource {
  checkKafkaOptions(options)
  const isNew = unreported()
  return { name: 'kafka', open: (opening) => follow(options, opening, isNew) }
}

/** How many unreadable batches are remembered. */
const MAX_REPORTED = 1_000

/** Whether an unreadable batch was not reported yet: each connection meets it again. */
function unreported(): (unreadable: UnreadableBatch) => boolean {
  const reported = new Set<string>()
  return ({ message }) => {
    if (reported.has(message)) return false
    if (reported.size === MAX_REPORTED) reported.clear()
    reported.add(message)
    return true
  }
}

async function* follow(
  { groupPrefix = 'ledgate', ...options }: KafkaRevocationsOptions,
  { cursor, signal, trouble }: OpenFeed,
  isNew: (unreadable: UnreadableBatch) => boolean,
): AsyncGenerator<readonly FeedItem[], void> {
  if (signal.aborted) return
  const onGap = (unreadable: UnreadableBatch) => {
    if (isNew(unreadable)) trouble?.(unreadable)
  }
  const reading = readTopic({ ...options, groupPrefix, onGap }, cursor)
  const end = () => reading.end()
  signal.addEventListener('abort', end, { once: true })
  try {
    for (;;) {
      const items = await reading.take()
      if (items === undefined || signal.aborted) return
      yield items
    }
  } finally {
    signal.removeEventListener('abort', end)
    await reading.close()
  }
}
