import { Partitioners, type Message, type Producer } from 'kafkajs'
import type { NoticePublisher, Publication, TopicRange } from '../feed/index.ts'
import { batchesOf } from './batches.ts'
import { type KafkaOptions, openConnection } from './connection.ts'
import { KafkaUnavailable, within } from './kafka-unavailable.ts'
import { TOPIC } from './topic.ts'

/**
 * Publishes to a topic, in order and durably: every in-sync replica has what is acknowledged. After any error it refuses further
 * calls, since kafkajs may give its next batch the sequence number of one that the broker has, and the broker would drop it.
 * `deadlineMs` applies to each request; a long list is sent in several.
 */
export function kafkaPublisher(options: KafkaOptions): NoticePublisher {
  const topic = options.topic ?? TOPIC
  const { kafka, deadlineMs, cut } = openConnection(options)
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: Partitioners.DefaultPartitioner,
    retry: { retries: 1 },
  })
  const admin = kafka.admin()
  const connected = { producer: once(() => producer.connect()), admin: once(() => admin.connect()) }
  let broken: unknown
  let turn: Promise<unknown> = Promise.resolve()

  async function sendAll(publications: readonly Publication[]): Promise<bigint> {
    await within(deadlineMs, connected.producer())
    let last = -1n
    for (const messages of batchesOf(publications))
      last = await within(deadlineMs, sendBatch(producer, topic, messages))
    return last
  }

  async function range(): Promise<TopicRange> {
    const ask = () => connected.admin().then(() => admin.fetchTopicOffsets(topic))
    const [found] = await within(deadlineMs, ask())
    if (found === undefined) throw new KafkaUnavailable(`Kafka does not report the offsets of the topic ${topic}`)
    return { low: BigInt(found.low), high: BigInt(found.high) }
  }

  /** One call after another, and none after one that failed. */
  function inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = turn.then(async () => {
      if (broken !== undefined) throw new KafkaUnavailable('this publisher is broken or closed', { cause: broken })
      try {
        return await work()
      } catch (error) {
        broken = error
        cut()
        throw error
      }
    })
    turn = result.catch(() => undefined)
    return result
  }

  return {
    send(publications) {
      if (publications.length === 0) return Promise.reject(new RangeError('nothing to publish'))
      return inTurn(() => sendAll(publications))
    },
    range: () => inTurn(range),
    async close() {
      await turn
      if (broken !== undefined) return // Its connections are closed already.
      broken = new Error('closed')
      await within(deadlineMs, Promise.all([producer.disconnect(), admin.disconnect()])).catch(() => undefined)
      cut()
    },
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined
  return () => (running ??= work())
}

async function sendBatch(producer: Producer, topic: string, messages: Message[]): Promise<bigint> {
  const [written] = await producer.send({ topic, acks: -1, messages })
  const first = BigInt(written?.baseOffset ?? -1)
  if (first < 0n) throw new KafkaUnavailable('Kafka does not report the offset of a publication')
  return first + BigInt(messages.length - 1)
}
