import kafkajs, { type Admin } from 'kafkajs'
import { REQUEST_BYTES } from './batches.ts'
import { type KafkaOptions, openConnection } from './connection.ts'
import { KafkaUnavailable, within } from './kafka-unavailable.ts'

/** Where notices are published unless told. */
export const TOPIC = 'ledgate.revocations.v1'

/** The topic exists, with a setting under which a revocation could get lost, or could not be written. */
export class UnfitTopic extends Error {
  readonly code = 'ERR_UNFIT_TOPIC'
  /** Kafka's name of the setting. */
  readonly setting: string

  constructor(topic: string, setting: string, found: string, needed: string) {
    super(`the topic ${topic} has ${setting}=${found}; Ledgate needs ${needed}`)
    this.name = 'UnfitTopic'
    this.setting = setting
  }
}

export interface EnsureTopicOptions extends KafkaOptions {
  /** Milliseconds: more than the token cap, the staleness bound and a margin together. */
  readonly retentionMs: number
}

const REPLICAS = 3
/** What every reader can read of what a broker may make of messages. */
const READABLE = ['producer', 'uncompressed', 'gzip']
const SEGMENT_BYTES = 64 * 1024 * 1024
const SEGMENT_MS = 10 * 60 * 1000

/**
 * Sees to it that the topic is there and keeps what it must: makes it when it is missing, and looks at it when it is not.
 *
 * @throws {UnfitTopic} when it is there and breaks the promise. @throws {KafkaUnavailable}
 */
export async function ensureTopic({ retentionMs, ...options }: EnsureTopicOptions): Promise<void> {
  const topic = options.topic ?? TOPIC
  const connection = openConnection(options)
  const admin = connection.kafka.admin()
  const work = async () => {
    await admin.connect()
    if (!(await admin.listTopics()).includes(topic)) await create(admin, topic, retentionMs)
    await inspect(admin, topic, retentionMs)
    await admin.disconnect()
  }
  let unfit: UnfitTopic | undefined
  try {
    await within(
      connection.deadlineMs,
      work().catch((error: unknown) => {
        if (!(error instanceof UnfitTopic)) throw error
        unfit = error
      }),
    )
  } finally {
    connection.cut()
  }
  if (unfit) throw unfit
}

async function create(admin: Admin, topic: string, retentionMs: number): Promise<void> {
  const { brokers } = await admin.describeCluster()
  const replicationFactor = Math.min(REPLICAS, brokers.length)
  const settings = {
    // Compaction would keep the last notice of a name, which need not be the one with the highest epoch.
    'cleanup.policy': 'delete',
    'retention.ms': retentionMs,
    'retention.bytes': -1,
    'min.insync.replicas': leastInSync(replicationFactor),
    'unclean.leader.election.enable': false,
    // As it was sent: readers cannot read every compression that a broker may use.
    'compression.type': 'producer',
    // The publisher's clock must not decide when a message is deleted, nor whether it is taken.
    'message.timestamp.type': 'LogAppendTime',
    'segment.ms': Math.min(SEGMENT_MS, retentionMs),
    'segment.bytes': SEGMENT_BYTES,
  }
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }))
  // Another process may be doing the same: kafkajs then answers `false`.
  await admin.createTopics({ topics: [{ topic, numPartitions: 1, replicationFactor, configEntries }] })
}

async function inspect(admin: Admin, topic: string, retentionMs: number): Promise<void> {
  const unfit = (setting: string, found: string, needed: string) => new UnfitTopic(topic, setting, found, needed)
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
  const [partition, ...others] = topics[0]?.partitions ?? []
  if (partition === undefined || others.length > 0)
    throw unfit('partitions', String(topics[0]?.partitions.length ?? 0), '1: notices have one order')

  const found = await settingsOf(admin, topic)
  const policy = found('cleanup.policy')
  if (policy !== 'delete') throw unfit('cleanup.policy', policy, 'delete: compaction does not keep the highest epoch')
  const retention = found('retention.ms')
  if (retention !== '-1' && !(Number(retention) >= retentionMs))
    throw unfit('retention.ms', retention, `at least ${retentionMs}: a token could outlive its revocation`)
  const bytes = found('retention.bytes')
  if (bytes !== '-1') throw unfit('retention.bytes', bytes, '-1: a token could outlive its revocation')
  const unclean = found('unclean.leader.election.enable')
  if (unclean !== 'false') throw unfit('unclean.leader.election.enable', unclean, 'false: what was answered must stay')
  const time = found('message.timestamp.type')
  if (time !== 'LogAppendTime')
    throw unfit('message.timestamp.type', time, "LogAppendTime: a publisher's clock must not decide what is deleted")
  const compression = found('compression.type')
  if (!READABLE.includes(compression))
    throw unfit('compression.type', compression, 'producer: readers cannot read what the broker compresses')
  const inSync = found('min.insync.replicas')
  const replicas = partition.replicas.length
  if (!isInSyncEnough(Number(inSync), replicas))
    throw unfit(
      'min.insync.replicas',
      `${inSync} of ${replicas}`,
      `${leastInSync(replicas)} to ${replicas}: what was answered must stay when a broker is lost, and be written at all`,
    )
  const size = found('max.message.bytes')
  if (!(Number(size) >= REQUEST_BYTES))
    throw unfit('max.message.bytes', size, `at least ${REQUEST_BYTES}: what it takes to send everything anew`)
}

/** How many replicas must have a message before it is answered: two, where one of them can be lost and it still be written. */
export const leastInSync = (replicas: number): number => Math.max(1, Math.min(2, replicas - 1))

/** Whether so many replicas keep what was answered, and can be had. */
export const isInSyncEnough = (inSync: number, replicas: number): boolean =>
  inSync >= leastInSync(replicas) && inSync <= replicas

async function settingsOf(admin: Admin, topic: string): Promise<(name: string) => string> {
  const { resources } = await admin.describeConfigs({
    resources: [{ type: kafkajs.ConfigResourceTypes.TOPIC, name: topic }],
    includeSynonyms: false,
  })
  const entries = new Map(resources[0]?.configEntries.map(({ configName, configValue }) => [configName, configValue]))
  return (name) => {
    const value = entries.get(name)
    if (value === undefined) throw new KafkaUnavailable(`Kafka does not say ${name} of the topic ${topic}`)
    return value
  }
}
