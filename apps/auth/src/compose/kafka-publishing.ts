import { setTimeout as pause } from 'node:timers/promises'
import {
  BrokenTopic,
  cursorOf,
  ensureTopic,
  type KafkaOptions,
  kafkaPublisher,
  kafkaRevocations,
  type Offsets,
  offsetOf,
  UnreadableBatch,
} from '@ledgate/revocation/kafka'
import { decodeProtectedHeader } from 'jose'
import type { Reading } from '../metrics/index.ts'
import type { KafkaSettings } from '../config/index.ts'
import {
  TopicTruncated,
  openLiveSet,
  createLazyPublisher,
  createOutbox,
  type OutboxState,
} from '../revocation-feed/kafka/index.ts'
import { NOTICES_KEPT, type RevocationFeed } from '../revocation-feed/index.ts'
import type { Core } from './core.ts'
import { feedDependencies } from './feed.ts'
import type { Publishing, Told } from './publishing.ts'

/** Milliseconds that a call to Kafka may take: a broker that hangs is given up then. */
const DEADLINE_MS = 5_000
/** Milliseconds between two looks at what was written: only heartbeats wait for it, and they come every second. */
const READ_BACK_EVERY_MS = 100
/** Milliseconds between two batches of what is only looked at: no one waits for it, and others have work to do. */
const READ_THROUGH_EVERY_MS = 100

/** What a topic is read back by: the messages after one that was written, by the name their writer knows them by. */
const readOnIn = (options: KafkaOptions) =>
  async function* readOn(cursor: string, signal: AbortSignal) {
    const source = kafkaRevocations({ ...options, neverRestarts: true, restMs: READ_BACK_EVERY_MS })
    try {
      for await (const items of source.open({ cursor, after: undefined, signal }))
        yield items.map((item) => ({ cursor: cursorOf({ offset: offsetOf(item.cursor) ?? -1n, jws: item.jws }) }))
    } catch (error) {
      throw lostBy(error)
    }
  }

/** What shows that whoever begins to read comes to the end of what was written. */
const readThroughIn = (options: KafkaOptions) =>
  async function readThrough({ from, to }: Offsets, signal: AbortSignal): Promise<void> {
    if (to < from) return
    const source = kafkaRevocations({ ...options, neverRestarts: true, startsAt: from })
    try {
      for await (const items of source.open({ cursor: undefined, after: undefined, signal })) {
        const last = items.at(-1)
        if (last !== undefined && (offsetOf(last.cursor) ?? -1n) >= to) return
        await pause(READ_THROUGH_EVERY_MS)
      }
    } catch (error) {
      throw lostBy(error)
    }
  }

const lostBy = (error: unknown): unknown =>
  error instanceof BrokenTopic || error instanceof UnreadableBatch ? new TopicTruncated({ cause: error }) : error

/** Of a process, about a topic. */
const readingsOf = (state: () => OutboxState, nowMs: () => number): readonly Reading[] => [
  {
    name: 'ledgate_kafka_publishing',
    help: '1 while this process holds the lease for publishing.',
    kind: 'gauge',
    read: () => Number(state().isRunning),
  },
  {
    name: 'ledgate_kafka_up',
    help: '1 while Kafka accepts what this process publishes.',
    kind: 'gauge',
    read: () => Number(state().isUp),
  },
  {
    name: 'ledgate_kafka_lag_seconds',
    help: 'Age of the oldest notice that is not yet in the topic.',
    kind: 'gauge',
    read: () => state().lagMs / 1000,
  },
  {
    name: 'ledgate_kafka_vouched_seconds',
    help: 'Time since the process with the lease last confirmed the topic with a heartbeat.',
    kind: 'gauge',
    read() {
      const { isRunning, vouchedAt } = state()
      return isRunning && vouchedAt !== undefined ? (nowMs() - vouchedAt) / 1000 : 0
    },
  },
  { name: 'ledgate_kafka_notices_total', help: 'Notices sent.', kind: 'counter', read: () => state().sent },
  {
    name: 'ledgate_kafka_failures_total',
    help: 'Publishing failures, each followed by a restart.',
    kind: 'counter',
    read: () => state().failures,
  },
]

/** Publishes to the topic that every verifier can read. */
export function openKafkaPublishing(core: Core, feed: RevocationFeed, kafka: KafkaSettings, told: Told): Publishing {
  const { views, clock, logger, feedKeys } = core
  const log = logger.child({ part: 'kafka' })
  const options: KafkaOptions = { ...kafka, deadlineMs: DEADLINE_MS, log }
  const failed = (error: unknown): void =>
    log.error({ err: error }, 'publishing to Kafka failed, retrying (settings: LEDGATE_KAFKA_*)')
  const grounds = { ...feedDependencies(core), views }
  const box = createOutbox({
    follow: (after, signal) => feed.follow(after, signal),
    parsePosition: core.store.parsePosition,
    liveSet: (after) => openLiveSet(grounds, after),
    waitingSince: (after) => feed.waitingSince(after),
    kidOf: ({ jws }) => decodeProtectedHeader(jws).kid ?? '',
    isBelieved: async (kid) => (await feedKeys.read()).publicKey(kid) !== undefined,
    async openPublisher() {
      await ensureTopic({ ...options, retentionMs: NOTICES_KEPT * 1000 })
      return kafkaPublisher(options)
    },
    cursorOf,
    readOn: readOnIn(options),
    readThrough: readThroughIn(options),
    checkpoints: views.projector.checkpoints,
    now: clock.nowMs,
    onError: failed,
  })
  const own = createLazyPublisher(() => kafkaPublisher(options), failed)

  return {
    run: box.run,
    async waitUntilPublished(position, ms) {
      const until = clock.nowMs() + ms
      const place = await told(position, ms)
      if (place === undefined) return false
      const rest = Math.max(0, until - clock.nowMs())
      if (box.state().isRunning) return box.waitUntilPublished(place, rest)
      const notice = feed.noticeAt(place)
      if (notice === undefined) return false
      return Promise.race([own.send(notice), pause(rest, false, { ref: false })])
    },
    readings: readingsOf(box.state, clock.nowMs),
    close: own.close,
  }
}
