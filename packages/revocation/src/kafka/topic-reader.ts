import type { Consumer, EachBatchPayload } from 'kafkajs'
import { setTimeout as pause } from 'node:timers/promises'
import type { FeedItem } from '../feed/index.ts'
import { type KafkaConnection, type KafkaOptions, openConnection } from './connection.ts'
import { BrokenTopic, continuity, type Continuity } from './continuity.ts'
import { KafkaUnavailable, kafkaFailure, within } from './kafka-unavailable.ts'
import { skipUnreadable } from './fetch-response.ts'
import { handoff, type Handoff } from './handoff.ts'
import { itemsOf } from './feed-items.ts'
import { gapAt } from './record-set.ts'
import { TOPIC } from './topic.ts'
import { UnreadableBatch } from './unreadable-batch.ts'
import { type Watchdog, watchdog } from './watchdog.ts'

export interface TopicReaderOptions extends KafkaOptions {
  /** The prefix of the consumer group; each connection has a group of its own. */
  readonly groupPrefix: string
  /** Whether it ends if the message of its cursor is missing (`BrokenTopic`), or a batch cannot be read (`UnreadableBatch`). */
  readonly neverRestarts?: boolean | undefined
  /** The offset to start at without a cursor. Default: the beginning of the topic. */
  readonly startsAt?: bigint | undefined
  /** Is called with each unreadable batch, possibly repeatedly. */
  readonly onGap?: ((unreadable: UnreadableBatch) => void) | undefined
  /** Milliseconds to pause at the end of the topic after each batch. Default: 5. */
  readonly restMs?: number | undefined
  /** Milliseconds after which the group drops a member that died. Default: 30,000. */
  readonly sessionMs?: number | undefined
}

/** A consumer, from its first connection to its last. */
export interface TopicReader {
  /** @returns the next items; `undefined` after `end`. @throws {KafkaUnavailable | BrokenTopic | UnreadableBatch} */
  take(): Promise<readonly FeedItem[] | undefined>
  end(): void
  /** Leaves and deletes the group if that is possible soon, and closes all connections. */
  close(): Promise<void>
}

/**
 * The API versions since Kafka 2.3. Responses of older brokers would be decoded by kafkajs alone, which stops at unreadable batches
 * and decompresses without a limit.
 */
const OLDEST: ReadonlyMap<string, number> = new Map([
  ['JoinGroup', 5],
  ['Fetch', 11],
])
/** Milliseconds that a broker waits for a message before it answers that there is none. */
const MAX_WAIT_MS = 500
const SESSION_MS = 30_000
/** The most bytes of one fetch: messages with invented kids cost one fetch of the key set for all that arrive together. */
export const FETCH_BYTES = 4 * 1024 * 1024
/**
 * A fetch costs the reader and the broker about as much as its messages. Messages within this time arrive in one fetch, and no reader
 * fetches the next notice while it still works on one.
 */
const REST_MS = 5
/** How many heartbeats a member of the group sends within the session timeout. */
const HEARTBEATS_A_SESSION = 10
/** Milliseconds within which a consumer that stopped reports why, if it does. */
const STOPPED_MS = 500
/** Milliseconds that leaving the group may take. */
const CLOSE_MS = 2_000

/** Starts reading after a cursor. Any error ends the reading: continue with a new one. */
export function readTopic(options: TopicReaderOptions, cursor: string | undefined): TopicReader {
  const connection = openConnection(options)
  const groupId = `${options.groupPrefix}-${crypto.randomUUID()}`
  const topic = options.topic ?? TOPIC
  skipUnreadable(topic)
  const sessionMs = options.sessionMs ?? SESSION_MS
  const heartbeatMs = sessionMs / HEARTBEATS_A_SESSION
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
    // A transaction of another writer that is left open must not delay the messages after it.
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
    if (options.neverRestarts === true) throw unreadable
    options.onGap?.(unreadable)
  }
  const watch = watchdog(connection.deadlineMs, fail)

  connection.onLost(fail)
  listen({ consumer, topic, order, fail, alive: watch.alive })
  const start = async () => {
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      eachBatch: async (payload) => {
        try {
          await passOn(payload, { order, gap, hand, watch, heartbeatMs, restMs: options.restMs ?? REST_MS })
        } catch (error) {
          fail(error)
          throw error
        }
      },
    })
  }
  const started = start()
  within(connection.deadlineMs, started).catch(fail)

  return {
    take: () => hand.take(),
    end: () => hand.end(),
    async close() {
      hand.end()
      watch.stop()
      // Unreachable brokers drop the group by themselves.
      const left =
        failure instanceof KafkaUnavailable ? Promise.resolve() : leave(connection, consumer, groupId, started)
      await Promise.race([left.catch(() => undefined), pause(CLOSE_MS, undefined, { ref: false })])
      connection.cut()
      // Without connections it ends by itself.
      consumer.disconnect().catch(() => undefined)
    },
  }
}

/** Handles the events of kafkajs, which after most errors continues by itself, but not always at the same offset. */
function listen({ consumer, topic, order, fail, alive }: Listening): void {
  const { CRASH, STOP, FETCH, FETCH_START, GROUP_JOIN, REQUEST } = consumer.events
  let joins = 0
  consumer.on(CRASH, ({ payload }) => fail(payload.error))
  consumer.on(STOP, async () => {
    await pause(STOPPED_MS, undefined, { ref: false })
    fail(new KafkaUnavailable('the Kafka consumer stopped'))
  })
  consumer.on(GROUP_JOIN, () => {
    joins += 1
    if (joins > 1) fail(new KafkaUnavailable('the Kafka consumer had to rejoin its group'))
  })
  // Offsets are never committed here: kafkajs does so to restart at the beginning when Kafka does not have an offset.
  consumer.on(REQUEST, ({ payload }) => {
    // Detected before any fetch response, since joining comes first.
    if (payload.apiVersion < (OLDEST.get(payload.apiName) ?? 0))
      fail(new KafkaUnavailable('the Kafka broker is older than 2.3, which is the oldest supported version'))
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

interface PassingOn {
  readonly order: Continuity
  readonly gap: (unreadable: UnreadableBatch) => void
  readonly hand: Handoff<readonly FeedItem[]>
  readonly watch: Watchdog
  readonly heartbeatMs: number
  readonly restMs: number
}

async function passOn(
  { batch, resolveOffset, heartbeat, isStale }: EachBatchPayload,
  { order, gap, hand, watch, heartbeatMs, restMs }: PassingOn,
): Promise<void> {
  // The consumer was told to seek while this was fetched.
  if (isStale()) return
  const unreadable = batch.messages.flatMap((message) => gapAt(message) ?? [])
  for (const each of unreadable) gap(each)
  const continued = order.fetched(batch.messages.filter((message) => gapAt(message) === undefined))
  resolveOffset(batch.lastOffset())
  if (continued === undefined) return
  watch.rest()
  // The group would drop a member without heartbeats while its reader is busy.
  const beat = setInterval(() => void heartbeat().catch((error: unknown) => hand.end(kafkaFailure(error))), heartbeatMs)
  try {
    await hand.give(continued.flatMap(itemsOf))
    // Not while there is more to read: a reader that is behind must catch up.
    if (batch.offsetLag() === '0') await pause(restMs)
  } finally {
    clearInterval(beat)
    watch.alive()
  }
}

async function leave(
  { kafka }: KafkaConnection,
  consumer: Consumer,
  groupId: string,
  started: Promise<void>,
): Promise<void> {
  // A consumer that is stopped while it joins would stay a member.
  await started
  await consumer.disconnect()
  const admin = kafka.admin()
  await admin.connect()
  await admin.deleteGroups([groupId])
  await admin.disconnect()
}
