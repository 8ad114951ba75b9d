import type { FeedItem, OpenFeed, RevocationSource } from '../feed.ts'
import { checkKafkaOptions } from './address.ts'
import type { KafkaOptions } from './connection.ts'
import { startReading } from './reading.ts'

export interface KafkaRevocationsOptions extends KafkaOptions {
  /**
   * What the names of consumer groups begin with, for an ACL by prefix; `ledgate` unless told. Each opening has a group of its
   * own and deletes it at its end. One that was left when Kafka could not be reached is empty, and brokers forget it after
   * `offsets.retention.minutes` at the latest, which is a week unless they were told.
   */
  readonly groupPrefix?: string | undefined
  /**
   * For whoever has to know whether a message is still there, as its writer does: an opening whose cursor's message is not
   * where it was ends with `BrokenTopic`, instead of beginning at the beginning. Where it is, and nothing is behind it yet, an
   * empty batch says so. If its offset is the very next to be written, that is waited for: ask the publisher for the range, too.
   */
  readonly neverBeginsAnew?: boolean | undefined
  /**
   * Milliseconds, up to 1,000, that an opening rests when it has come to the end of the topic; what comes meanwhile comes at once.
   * 5 unless told.
   */
  readonly restMs?: number | undefined
}

/**
 * Revocations from Kafka, milliseconds after they were published. Every opening reads the whole topic, or what comes after
 * its cursor if that message is still where it was; it ends with an error as soon as the topic is not what it was, the
 * connection is lost, or Kafka says nothing for `deadlineMs`.
 *
 * @throws {TypeError} for brokers that are no addresses, and for half of a client certificate.
 */
export function kafkaRevocations(options: KafkaRevocationsOptions): RevocationSource {
  checkKafkaOptions(options)
  return { name: 'kafka', open: (opening) => follow(options, opening) }
}

async function* follow(
  { groupPrefix = 'ledgate', ...options }: KafkaRevocationsOptions,
  { cursor, signal }: OpenFeed,
): AsyncGenerator<readonly FeedItem[], void> {
  if (signal.aborted) return
  const reading = startReading({ ...options, groupPrefix }, cursor)
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
