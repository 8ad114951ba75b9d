import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import kafkajs, { Kafka, logLevel } from 'kafkajs'
// @ts-expect-error -- kafkajs has no types for what is inside it
import fetch from 'kafkajs/src/protocol/requests/fetch/index.js'
// @ts-expect-error -- the same
import joinGroup from 'kafkajs/src/protocol/requests/joinGroup/index.js'
import {
  BrokenTopic,
  cursorOf,
  ensureTopic,
  kafkaPublisher,
  kafkaRevocations,
  KafkaUnavailable,
  offsetOf,
  UnfitTopic,
  type KafkaOptions,
} from '../src/kafka/index.ts'
import { type Broker, brokerIsAvailable, openBroker } from '../src/testing/index.ts'
import { firstBatch, follow, heartbeats, notices, until } from './kafka-reader.ts'

const HOUR = 3_600_000

describe.skipIf(!brokerIsAvailable())('revocations over Kafka', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await openBroker()
  })
  afterAll(() => broker.close())

  const freshTopic = (): KafkaOptions => ({ brokers: broker.brokers, topic: `revocations-${randomUUID()}` })
  const readyTopic = async () => {
    const options = freshTopic()
    await ensureTopic({ ...options, retentionMs: HOUR })
    return options
  }
  const asAdmin = async <Result>(work: (admin: ReturnType<Kafka['admin']>) => Promise<Result>) => {
    const admin = new Kafka({ brokers: [...broker.brokers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    try {
      return await work(admin)
    } finally {
      await admin.disconnect()
    }
  }

  it('gives what was published, in its order, and says where it was written', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    expect(await publisher.range()).toEqual({ low: 0n, high: 0n })
    expect(await publisher.send(notices('a', 'b', 'c'))).toBe(2n)
    const reader = follow(kafkaRevocations(options))
    await until(() => reader.read.length === 3)
    expect(await publisher.send(heartbeats('d'))).toBe(3n)
    await until(() => reader.read.length === 4)
    expect(reader.read).toEqual(['a', 'b', 'c', 'd'])
    expect(await publisher.range()).toEqual({ low: 0n, high: 4n })
    await reader.stop()
    await publisher.close()
  })

  it('gives everything to each of two readers', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    const readers = [follow(kafkaRevocations(options)), follow(kafkaRevocations(options))]
    const all = Array.from({ length: 50 }, (_, nth) => `notice-${nth}`)
    for (const each of all) await publisher.send(notices(each))
    for (const { read } of readers) await until(() => read.length === all.length)
    for (const { read } of readers) expect(read).toEqual(all)
    await Promise.all(readers.map((reader) => reader.stop()))
    await publisher.close()
  })

  it('rests at the end of the topic only: whoever is behind reads on', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    // In six or more fetches: with as many rests it would take minutes.
    const all = Array.from({ length: 120 }, (_, nth) => `${nth} ${'x'.repeat(50_000)}`)
    await publisher.send(notices(...all))
    const reader = follow(kafkaRevocations({ ...options, restMs: 30_000 }))
    await until(() => reader.read.length === all.length)
    await reader.stop()
    await publisher.close()
  })

  it('keeps the order of calls that did not wait for each other, and of one too large for one request', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    const large = Array.from({ length: 40 }, (_, nth) => `${String(nth).padStart(4, '0')}${'x'.repeat(50_000)}`)
    const calls = [publisher.send(notices('first')), publisher.send(notices(...large)), publisher.send(notices('last'))]
    expect(await Promise.all(calls)).toEqual([0n, 40n, 41n])
    const reader = follow(kafkaRevocations(options))
    await until(() => reader.read.length === 42)
    expect(reader.read).toEqual(['first', ...large, 'last'])
    await reader.stop()
    await publisher.close()
  })

  it('goes on after a cursor, and reads nothing twice', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('a', 'b', 'c'))
    const first = follow(kafkaRevocations(options))
    await until(() => first.read.length === 3)
    await first.stop()
    await publisher.send(notices('d'))
    for (const [nth, rest] of [['b', 'c', 'd'], ['c', 'd'], ['d']].entries()) {
      const later = follow(kafkaRevocations(options), first.cursors[nth])
      await until(() => later.read.length === rest.length)
      expect(later.read).toEqual(rest)
      await later.stop()
    }
    await publisher.close()
  })

  it('begins at the beginning when the cursor is beyond the end, below the start or of something else', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('a', 'b'))
    for (const cursor of ['0 99 b', '0 1 of another topic', '1 b', '2 1 b', 'nonsense', '']) {
      const reader = follow(kafkaRevocations(options), cursor)
      await until(() => reader.read.length === 2)
      expect(reader.read).toEqual(['a', 'b'])
      await reader.stop()
    }
    await broker.truncate(options.topic ?? '')
    await publisher.send(notices('c'))
    const reader = follow(kafkaRevocations(options), '0 0 a')
    await until(() => reader.read.length === 1)
    expect(reader.read).toEqual(['c'])
    await reader.stop()
    await publisher.close()
  })

  it('tells a writer whether its own message is still where it wrote it', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    const writer = kafkaRevocations({ ...options, neverRestarts: true })
    const offset = await publisher.send(notices('a', 'b'))
    expect(offsetOf(cursorOf({ offset, jws: 'b' }))).toBe(offset)
    expect(await firstBatch(writer, cursorOf({ offset, jws: 'b' }))).toEqual([])
    await publisher.send(notices('c'))
    expect(await firstBatch(writer, cursorOf({ offset, jws: 'b' }))).toMatchObject([{ jws: 'c' }])
    for (const cursor of [cursorOf({ offset, jws: 'a' }), cursorOf({ offset: 99n, jws: 'b' }), 'nonsense'])
      await expect(firstBatch(writer, cursor)).rejects.toThrow(BrokenTopic)
    await broker.truncate(options.topic ?? '')
    await expect(firstBatch(writer, cursorOf({ offset, jws: 'b' }))).rejects.toThrow(BrokenTopic)
    await publisher.close()
  })

  it('ends with an error when its topic is made anew and grew past where it was', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('a', 'b'))
    const reader = follow(kafkaRevocations(options))
    await until(() => reader.read.length === 2)
    await broker.deleteTopic(options.topic ?? '')
    // It is gone a little later: what is made now must not be what is being deleted.
    await until(async () => !(await asAdmin((admin) => admin.listTopics())).includes(options.topic ?? ''))
    await publisher.close()
    await until(async () => {
      const made = await ensureTopic({ ...options, retentionMs: HOUR }).then(
        () => true,
        () => false,
      )
      return made
    })
    const anew = kafkaPublisher(options)
    await anew.send(notices('c', 'd', 'e'))
    await expect(reader.over).rejects.toThrow()
    const again = follow(kafkaRevocations(options), reader.cursors.at(-1))
    await until(() => again.read.length === 3)
    expect(again.read).toEqual(['c', 'd', 'e'])
    await again.stop()
    await anew.close()
  })

  it('deletes its consumer group when it is stopped, and when its topic is not what it was', async () => {
    const topic = await readyTopic()
    const options = { ...topic, groupPrefix: `prefix-${topic.topic}` }
    const reader = follow(kafkaRevocations(options))
    const groups = () =>
      asAdmin(async (admin) =>
        (await admin.listGroups()).groups.filter(({ groupId }) => groupId.includes(options.groupPrefix)),
      )
    await until(async () => (await groups()).length === 1)
    await reader.stop()
    expect(await groups()).toEqual([])
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('a'))
    const broken = firstBatch(kafkaRevocations({ ...options, neverRestarts: true }), cursorOf({ offset: 0n, jws: 'b' }))
    await expect(broken).rejects.toThrow(BrokenTopic)
    expect(await groups()).toEqual([])
    await publisher.close()
  })

  it('makes the topic once, with the settings of the promise, though two make it at once', async () => {
    const options = freshTopic()
    await Promise.all([1, 2].map(() => ensureTopic({ ...options, retentionMs: HOUR })))
    await ensureTopic({ ...options, retentionMs: HOUR / 2 })
    await expect(ensureTopic({ ...options, retentionMs: HOUR * 2 })).rejects.toMatchObject({
      code: 'ERR_UNFIT_TOPIC',
      setting: 'retention.ms',
    })
  })

  it('makes the topic so that brokers keep what is sent as it is sent', async () => {
    const options = await readyTopic()
    const { resources } = await asAdmin((admin) =>
      admin.describeConfigs({
        resources: [
          { type: kafkajs.ConfigResourceTypes.TOPIC, name: options.topic ?? '', configNames: ['compression.type'] },
        ],
        includeSynonyms: false,
      }),
    )
    // Of its own, whatever the broker has for topics that say nothing.
    expect(resources[0]?.configEntries).toMatchObject([
      { configName: 'compression.type', configValue: 'producer', configSource: kafkajs.ConfigSource.TOPIC_CONFIG },
    ])
  })

  it.each([
    ['partitions', 2, []],
    ['cleanup.policy', 1, [{ name: 'cleanup.policy', value: 'compact' }]],
    ['cleanup.policy', 1, [{ name: 'cleanup.policy', value: 'compact,delete' }]],
    ['retention.ms', 1, [{ name: 'retention.ms', value: '1000' }]],
    ['retention.bytes', 1, [{ name: 'retention.bytes', value: '1000000' }]],
    ['unclean.leader.election.enable', 1, [{ name: 'unclean.leader.election.enable', value: 'true' }]],
    ['message.timestamp.type', 1, []],
    [
      'min.insync.replicas',
      1,
      [
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
        { name: 'min.insync.replicas', value: '2' },
      ],
    ],
    ...['lz4', 'snappy', 'zstd'].map((value): [string, number, { name: string; value: string }[]] => [
      'compression.type',
      1,
      [
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
        { name: 'compression.type', value },
      ],
    ]),
    [
      'max.message.bytes',
      1,
      [
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
        { name: 'max.message.bytes', value: '100000' },
      ],
    ],
  ])('refuses a topic with an unfit %s', async (setting, numPartitions, configEntries) => {
    const options = freshTopic()
    await asAdmin((admin) =>
      admin.createTopics({
        topics: [{ topic: options.topic ?? '', numPartitions, replicationFactor: 1, configEntries }],
      }),
    )
    const refusal = ensureTopic({ ...options, retentionMs: HOUR })
    await expect(refusal).rejects.toThrow(UnfitTopic)
    await expect(refusal).rejects.toMatchObject({ setting })
  })

  it('says that a topic is missing, to who publishes and to who reads', async () => {
    const options = { ...freshTopic(), deadlineMs: 5_000 }
    const publisher = kafkaPublisher(options)
    await expect(publisher.send(notices('a'))).rejects.toThrow(KafkaUnavailable)
    await expect(publisher.send(notices('a'))).rejects.toThrow(/broken/)
    await publisher.close()
    await expect(follow(kafkaRevocations(options)).over).rejects.toThrow(KafkaUnavailable)
  })

  it.each([
    ['join', joinGroup],
    ['fetch', fetch],
  ])('refuses brokers from before Kafka 2.3, whose way to %s is another, and says so', async (_, request) => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    await publisher.send(notices('a'))
    const { versions } = request
    onTestFinished(() => void (request.versions = versions))
    request.versions = versions.slice(0, -1)
    const reader = follow(kafkaRevocations(options))
    await expect(reader.over).rejects.toThrow(/older than 2\.3/)
    expect(reader.read).toEqual([])
    await publisher.close()
  })

  it('takes milliseconds from sending to receiving', async () => {
    const options = await readyTopic()
    const publisher = kafkaPublisher(options)
    const sent = new Map<string, number>()
    const reader = follow(kafkaRevocations(options))
    await publisher.send(notices('warm'))
    await until(() => reader.read.length === 1)
    for (let nth = 0; nth < 300; nth += 1) {
      sent.set(`n${nth}`, performance.now())
      await publisher.send(notices(`n${nth}`))
    }
    await until(() => reader.read.length === 301)
    const took = [...sent].map(([jws, at]) => (reader.receivedAt.get(jws) ?? Number.NaN) - at).sort((a, b) => a - b)
    const quantile = (part: number) => took[Math.floor(took.length * part)]?.toFixed(1)
    process.stdout.write(`from sending to receiving over Kafka: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms\n`)
    expect(took).toHaveLength(300)
    await reader.stop()
    await publisher.close()
  })
})
