import kafkajs, { type Admin } from 'kafkajs'
import { REQUEST_BYTES } from './batches.ts'
import { type KafkaOptions, openConnection } from './connection.ts'
import { KafkaUnavailable, within } from './kafka-unavailable.ts'
import { RevocationError } from '../error/index.ts'

/** The default topic of notices. */
export const TOPIC = 'ledgate.revocations.v1'

/** The topic exists with a setting with which a revocation could be lost, or could not be written. */
export class UnfitTopic extends RevocationError {
  override readonly name = 'UnfitTopic'
  readonly code = 'ERR_UNFIT_TOPIC'
  /** The name of the setting in Kafka. */
  readonly setting: string

  constructor(topic: string, setting: string, found: string, needed: string) {
    super(`the topic ${topic} has ${setting}=${found}; Ledgate needs ${needed}`)
    this.setting = setting
  }
}

export interface EnsureTopicOptions extends KafkaOptions {
  /** Milliseconds: more than the longest token lifetime, the staleness bound and a margin together. */
  readonly retentionMs: number
}

const REPLICAS = 3
/** The values of `compression.type` that every reader can read. */
const READABLE = ['producer', 'uncompressed', 'gzip']
const SEGMENT_BYTES = 64 * 1024 * 1024
const SEGMENT_MS = 10 * 60 * 1000

/**
 * Creates the topic if it is missing, and checks its settings.
 *
 * @throws {UnfitTopic} if a setting is unsuitable. @throws {KafkaUnavailable}
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
    // Compaction would keep the last notice of a key, which need not be the one with the highest epoch.
    'cleanup.policy': 'delete',
    'retention.ms': retentionMs,
    'retention.bytes': -1,
    'min.insync.replicas': leastInSync(replicationFactor),
    'unclean.leader.election.enable': false,
    // Keeps the compression of the producer: readers cannot read every compression that a broker may use.
    'compression.type': 'producer',
    // The clock of the publisher must not decide when a message is deleted, or whether it is accepted.
    'message.timestamp.type': 'LogAppendTime',
    'segment.ms': Math.min(SEGMENT_MS, retentionMs),
    'segment.bytes': SEGMENT_BYTES,
  }
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value: String(value) }))
  // Another process may do the same: kafkajs then returns `false`.
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
  if (unclean !== 'false')
    throw unfit('unclean.leader.election.enable', unclean, 'false: acknowledged notices must not be lost')
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
      `${leastInSync(replicas)} to ${replicas}: acknowledged notices must survive the loss of a broker, and writing must stay possible`,
    )
  const size = found('max.message.bytes')
  if (!(Number(size) >= REQUEST_BYTES))
    throw unfit(
      'max.message.bytes',
      size,
      `at least ${REQUEST_BYTES}: the size of a request that publishes everything again`,
    )
}

/** How many replicas must have a message before it is acknowledged: two, if writing then survives the loss of one. */
export const leastInSync = (replicas: number): number => Math.max(1, Math.min(2, replicas - 1))

/** Whether this number of replicas keeps acknowledged messages, and is possible. */
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
    if (value === undefined) throw new KafkaUnavailable(`Kafka does not report ${name} of the topic ${topic}`)
    return value
  }
}
