import type { Consumer, EachBatchPayload } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'
import type { FeedItem } from '../feed/index.ts'
import { type KafkaConnection, type KafkaOptions, openConnection } from './connection.ts'
import { BrokenTopic, continuity, type Continuity } from './continuity.ts'
import { KafkaUnavailable, kafkaFailure, within } from './kafka-unavailable.ts'
import { passOverUnreadable } from './fetch-response.ts'
import { handoff, type Handoff } from './handoff.ts'
import { itemsOf } from './feed-items.ts'
import { gapAt } from './record-set.ts'
import { TOPIC } from './topic.ts'
import { UnreadableBatch } from './unreadable-batch.ts'
import { type Watchdog, watchdog } from './watchdog.ts'

export interface ReadingOptions extends KafkaOptions {
  /** What the name of the consumer group begins with; each opening has a group of its own. */
  readonly groupPrefix: string
  /** Whether it ends when the message of its cursor is not there (`BrokenTopic`), or one cannot be read (`UnreadableBatch`). */
  readonly neverBeginsAnew?: boolean | undefined
  /** The offset at which it begins without a cursor; the beginning of the topic unless told. */
  readonly beginsAt?: bigint | undefined
  /** Hears of each batch that cannot be read, perhaps again. */
  readonly onGap?: ((unreadable: UnreadableBatch) => void) | undefined
  /** Milliseconds that it rests at the end of the topic after each batch; 5 unless told. */
  readonly restMs?: number | undefined
  /** Milliseconds after which the group forgets a member that died; 30,000 unless told. */
  readonly sessionMs?: number | undefined
}

/** A consumer from its first connection to its last. */
export interface Reading {
  /** @returns the next items; `undefined` after `end`. @throws {KafkaUnavailable | BrokenTopic | UnreadableBatch} */
  take(): Promise<readonly FeedItem[] | undefined>
  end(): void
  /** Leaves and deletes the group if that can be done soon, and ends all connections in any case. */
  close(): Promise<void>
}

/**
 * What brokers speak since Kafka 2.3. What older ones give is taken apart by kafkajs alone, which stops at what it cannot read
 * and decompresses without a limit.
 */
const OLDEST: ReadonlyMap<string, number> = new Map([
  ['JoinGroup', 5],
  ['Fetch', 11],
])
/** Milliseconds that a broker waits for a message before it answers that there is none. */
const MAX_WAIT_MS = 500
const SESSION_MS = 30_000
/** Bytes that come at once at most: messages under made-up names of keys cost one look at the key set for all that came together. */
export const FETCH_BYTES = 4 * 1024 * 1024
/**
 * To ask costs a reader and the broker about as much as to read. What comes within this time comes at once, and while readers
 * are still at work on a notice none of them asks for the next.
 */
const REST_MS = 5
/** How many signs of life a member gives within the time after which it is forgotten. */
const SIGNS_OF_LIFE = 10
/** Milliseconds after which a consumer that stopped has said why, if it ever does. */
const STOPPED_MS = 500
/** Milliseconds that leaving in good order may take. */
const CLOSE_MS = 2_000

/** Begins to read after a cursor. Whatever goes wrong ends it: only a new reading knows where it stands. */
export function startReading(options: ReadingOptions, cursor: string | undefined): Reading {
  const connection = openConnection(options)
  const groupId = `${options.groupPrefix}-${crypto.randomUUID()}`
  const topic = options.topic ?? TOPIC
  passOverUnreadable(topic)
  const sessionMs = options.sessionMs ?? SESSION_MS
  const heartbeatMs = sessionMs / SIGNS_OF_LIFE
  const consumer = connection.kafka.consumer({
    groupId,
    sessionTimeout: sessionMs,
    rebalanceTimeout: sessionMs,
    heartbeatInterval: heartbeatMs,
    minBytes: 1,
    maxWaitTimeInMs: MAX_WAIT_MS,
    maxBytesPerPartition: FETCH_BYTES,
    maxBytes: FETCH_BYTES,
    allowAutoTopicCreation: false,
    // A transaction that somebody left open must not hold up what comes after it.
    readUncommitted: true,
    retry: { retries: 0, restartOnFailure: () => Promise.resolve(false) },
  })
  const hand = handoff<readonly FeedItem[]>()
  const order = continuity(cursor, options)
  let failure: Error | undefined
  const fail = (error: unknown): void => {
    failure ??= error instanceof BrokenTopic || error instanceof UnreadableBatch ? error : kafkaFailure(error)
    hand.end(failure)
  }
  const gap = (unreadable: UnreadableBatch): void => {
    if (options.neverBeginsAnew === true) throw unreadable
    options.onGap?.(unreadable)
  }
  const dog = watchdog(connection.deadlineMs, fail)

  connection.onLost(fail)
  listen({ consumer, topic, order, fail, alive: dog.alive })
  const begin = async () => {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        try {
          await handOn(payload, { order, gap, hand, dog, heartbeatMs, restMs: options.restMs ?? REST_MS })
        } catch (error) {
          fail(error)
          throw error
        }
      },
    })
  }
  const begun = begin()
  within(connection.deadlineMs, begun).catch(fail)

  return {
    take: () => hand.take(),
    end: () => hand.end(),
    async close() {
      hand.end()
      dog.stop()
      // Brokers that cannot be reached are not told, and forget the group by themselves.
      const left = failure instanceof KafkaUnavailable ? Promise.resolve() : leave(connection, consumer, groupId, begun)
      await Promise.race([left.catch(() => undefined), pause(CLOSE_MS, undefined, { ref: false })])
      connection.cut()
      // Without connections it comes to its end by itself.
      consumer.disconnect().catch(() => undefined)
    },
  }
}

/** What kafkajs tells beside the messages. It goes on by itself after most troubles, not always where it was. */
function listen({ consumer, topic, order, fail, alive }: Listening): void {
  const { CRASH, STOP, FETCH, FETCH_START, GROUP_JOIN, REQUEST } = consumer.events
  let joins = 0
  consumer.on(CRASH, ({ payload }) => fail(payload.error))
  consumer.on(STOP, async () => {
    await pause(STOPPED_MS, undefined, { ref: false })
    fail(new KafkaUnavailable('the consumer of Kafka stopped'))
  })
  consumer.on(GROUP_JOIN, () => {
    joins += 1
    if (joins > 1) fail(new KafkaUnavailable('its reader had to join anew'))
  })
  // Nothing is ever committed here: this is how kafkajs goes to the beginning when Kafka does not have an offset.
  consumer.on(REQUEST, ({ payload }) => {
    // Before any answer to a fetch: to join comes first.
    if (payload.apiVersion < (OLDEST.get(payload.apiName) ?? 0))
      fail(new KafkaUnavailable('Kafka is older than 2.3 here: its notices can be read from newer brokers only'))
    if (payload.apiName === 'OffsetCommit') attempt(() => order.wasReset(), fail)
  })
  const look = (broker: number) => {
    alive()
    const offset = order.looking(broker, performance.now())
    if (offset !== undefined) consumer.seek({ topic, partition: 0, offset })
  }
  consumer.on(FETCH_START, ({ payload }) => look(payload.nodeId))
  consumer.on(FETCH, ({ payload }) => look(payload.nodeId))
}

interface Listening {
  readonly consumer: Consumer
  readonly topic: string
  readonly order: Continuity
  readonly fail: (error: unknown) => void
  readonly alive: () => void
}

function attempt(work: () => void, fail: (error: unknown) => void): void {
  try {
    work()
  } catch (error) {
    fail(error)
  }
}

interface HandingOn {
  readonly order: Continuity
  readonly gap: (unreadable: UnreadableBatch) => void
  readonly hand: Handoff<readonly FeedItem[]>
  readonly dog: Watchdog
  readonly heartbeatMs: number
  readonly restMs: number
}

async function handOn(
  { batch, resolveOffset, heartbeat, isStale }: EachBatchPayload,
  { order, gap, hand, dog, heartbeatMs, restMs }: HandingOn,
): Promise<void> {
  // It was told to go elsewhere while this was fetched.
  if (isStale()) return
  const unreadable = batch.messages.flatMap((message) => gapAt(message) ?? [])
  for (const each of unreadable) gap(each)
  const continued = order.fetched(batch.messages.filter((message) => gapAt(message) === undefined))
  resolveOffset(batch.lastOffset())
  if (continued === undefined) return
  dog.rest()
  // The group would forget a member that says nothing while it waits for its reader.
  const beat = setInterval(() => void heartbeat().catch((error: unknown) => hand.end(kafkaFailure(error))), heartbeatMs)
  try {
    await hand.give(continued.flatMap(itemsOf))
    // Not while there is more to read: whoever is behind has to catch up.
    if (batch.offsetLag() === '0') await pause(restMs)
  } finally {
    clearInterval(beat)
    dog.alive()
  }
}

async function leave(
  { kafka }: KafkaConnection,
  consumer: Consumer,
  groupId: string,
  begun: Promise<void>,
): Promise<void> {
  // A consumer that is told to stop while it joins would stay a member.
  await begun
  await consumer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteGroups([groupId])
  await admin.disconnect()
}
