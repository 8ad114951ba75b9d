import { Kafka, logLevel } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'

const PAUSE_MS = 100
/** A client that has just connected learns of the brokers by failing once. */
const RETRY = { retries: 1, initialRetryTime: 50 }

/**
 * Resolves when a broker does what it is there for. It answers before that, and has then no coordinator of groups yet: whoever
 * reads once would fail, and be none the wiser.
 *
 * @throws what the last try failed with, when the signal is aborted.
 */
export async function answering(brokers: string, signal: AbortSignal): Promise<void> {
  const kafka = new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: RETRY })
  for (;;) {
    try {
      await writeAndRead(kafka)
      return
    } catch (error) {
      if (signal.aborted) throw error
      await pause(PAUSE_MS)
    }
  }
}

/** Writes a message and reads it as a member of a group, and leaves nothing behind. */
async function writeAndRead(kafka: Kafka): Promise<void> {
  const groupId = `ready-${crypto.randomUUID()}`
  const topic = groupId
  const [admin, producer] = [kafka.admin(), kafka.producer({ idempotent: true })]
  const consumer = kafka.consumer({ groupId, retry: { ...RETRY, restartOnFailure: () => Promise.resolve(false) } })
  try {
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor: 1 }] })
    await producer.connect()
    await producer.send({ topic, messages: [{ value: 'ready' }] })
    const read = Promise.withResolvers<void>()
    consumer.on(consumer.events.CRASH, ({ payload }) => read.reject(payload.error))
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ autoCommit: false, eachMessage: async () => read.resolve() })
    await read.promise
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
    await admin.deleteTopics({ topics: [topic] })
  } finally {
    await Promise.all([consumer, producer, admin].map((client) => client.disconnect().catch(() => undefined)))
  }
}
