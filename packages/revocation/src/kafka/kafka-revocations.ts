import type { FeedItem, OpenFeed, RevocationSource } from '../feed/index.ts'
import { checkKafkaOptions } from './kafka-options.ts'
import type { KafkaOptions } from './connection.ts'
import { startReading } from './topic-reader.ts'
import type { UnreadableBatch } from './unreadable-batch.ts'

export interface KafkaRevocationsOptions extends KafkaOptions {
  /**
   * What the names of consumer groups begin with, for an ACL by prefix; `ledgate` unless told. Each opening has a group of its
   * own and deletes it at its end. One that was left when Kafka could not be reached is empty, and brokers forget it after
   * `offsets.retention.minutes` at the latest, which is a week unless they were told.
   */
  readonly groupPrefix?: string | undefined
  /**
   * For whoever has to know whether a message is still there, as its writer does: an opening whose cursor's message is not
   * where it was ends with `BrokenTopic`, instead of beginning at the beginning, and one that comes to a batch that cannot be read
   * with `UnreadableBatch`, instead of going on behind it. Where it is, and nothing is behind it yet, an
   * empty batch says so. If its offset is the very next to be written, that is waited for: ask the publisher for the range, too.
   */
  readonly neverBeginsAnew?: boolean | undefined
  /** The offset at which an opening without a cursor begins; the beginning of the topic unless told. */
  readonly beginsAt?: bigint | undefined
  /**
   * Milliseconds, up to 1,000, that an opening rests when it has come to the end of the topic; what comes meanwhile comes at once.
   * 5 unless told.
   */
  readonly restMs?: number | undefined
}

/**
 * Revocations from Kafka, milliseconds after they were published. Every opening reads the whole topic, or what comes after
 * its cursor if that message is still where it was; it ends with an error as soon as the topic is not what it was, the
 * connection is lost, or Kafka says nothing for `deadlineMs`. A batch that cannot be read is passed over, and told of as
 * trouble once: whoever goes on behind it has begun there, so that no heartbeat counts which vouches for what was in it.
 *
 * @throws {TypeError} for options that could only fail for ever: addresses, a name of a topic or certificates that are none.
 */
export function kafkaRevocations(options: KafkaRevocationsOptions): RevocationSource {
  checkKafkaOptions(options)
  const isNews = unseen()
  return { name: 'kafka', open: (opening) => follow(options, opening, isNews) }
}

/** How many batches that cannot be read are remembered. */
const MOST_TOLD = 1_000

/** Tells whether a batch that cannot be read is another one than those before: each opening comes to it again. */
function unseen(): (unreadable: UnreadableBatch) => boolean {
  const told = new Set<string>()
  return ({ message }) => {
    if (told.has(message)) return false
    if (told.size === MOST_TOLD) told.clear()
    told.add(message)
    return true
  }
}

async function* follow(
  { groupPrefix = 'ledgate', ...options }: KafkaRevocationsOptions,
  { cursor, signal, trouble }: OpenFeed,
  isNews: (unreadable: UnreadableBatch) => boolean,
): AsyncGenerator<readonly FeedItem[], void> {
  if (signal.aborted) return
  const onGap = (unreadable: UnreadableBatch) => {
    if (isNews(unreadable)) trouble?.(unreadable)
  }
  const reading = startReading({ ...options, groupPrefix, onGap }, cursor)
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
