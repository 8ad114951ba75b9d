import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cursorOf, ensureTopic, kafkaPublisher, kafkaRevocations, UnreadableBatch } from '../src/kafka/index.ts'
import type { Publication } from '../src/feed/index.ts'
import { type Broker, brokerIsAvailable, openBroker, testFeed } from '../src/testing/index.ts'
import { ISSUER } from './arbitrary.ts'
import { follow as followAs, grant } from './following.ts'
import { begunAgain, firstBatch, follow, notices, until, confirming } from './kafka-reader.ts'

const HOUR = 3_600_000

describe.skipIf(!brokerIsAvailable())('a batch in the topic that cannot be read', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await openBroker({ isStartedHere: true })
  })
  afterAll(() => broker.close())

  async function readyTopic() {
    const options = { brokers: broker.brokers, topic: `revocations-${randomUUID()}` }
    await ensureTopic({ ...options, retentionMs: HOUR })
    const publisher = kafkaPublisher(options)
    return { options, topic: options.topic, publisher }
  }
  type Topic = Awaited<ReturnType<typeof readyTopic>>

  /** Sets how the broker compresses, and waits until it does: it is told of it later than it answers. */
  async function compressWith(topic: Topic, compression: string): Promise<void> {
    await broker.setTopic(topic.topic, 'compression.type', compression)
    const isFit = () =>
      ensureTopic({ ...topic.options, retentionMs: HOUR }).then(
        () => true,
        () => false,
      )
    // The second look is behind all that the first one saw.
    for (let seen = 0; seen < 2;) seen = (await isFit()) === (compression === 'producer') ? seen + 1 : 0
  }
  /** Publishes so that the broker writes it in a way that nobody reads. */
  const compressed = (compression: string) => async (topic: Topic, publications: readonly Publication[]) => {
    await compressWith(topic, compression)
    const offset = await topic.publisher.send(publications)
    await compressWith(topic, 'producer')
    return offset
  }
  const damaged = async (topic: Topic, publications: readonly Publication[]) => {
    const offset = await topic.publisher.send(publications)
    for (const { jws } of publications) await broker.damage(topic.topic, jws)
    return offset
  }
  const ways: [string, typeof damaged, RegExp][] = [
    ['compressed with lz4', compressed('lz4'), /at offsets 1 to 2 is compressed with lz4 .*compression.type=producer/],
    [
      'compressed with snappy',
      compressed('snappy'),
      /at offsets 1 to 2 is compressed with snappy .*compression.type=producer/,
    ],
    ['damaged on the disk', damaged, /at offsets 1 to 2 is damaged: its checksum is wrong/],
  ]

  it.each(ways)('%s is a gap: what stands behind it comes, and confirms no more', async (_, spoil, reason) => {
    const topic = await readyTopic()
    await topic.publisher.send(notices('a'))
    await spoil(topic, notices('the first lost', 'the second lost'))
    await topic.publisher.send(notices('b'))
    await topic.publisher.send(confirming('for what was lost', 0n, 3n))
    await topic.publisher.send(confirming('for a part of it', 2n, 4n))
    await topic.publisher.send(confirming('for the rest', 3n, 5n))
    const source = begunAgain(kafkaRevocations(topic.options))
    const reader = follow(source)
    await until(() => reader.read.length === 5)
    expect(reader.read).toEqual(['a', 'b', 'for what was lost', 'for a part of it', 'for the rest'])
    expect(reader.confirmed.filter((each) => each.startsWith('for'))).toEqual(['for the rest'])
    expect(reader.troubles.map(String)).toEqual([expect.stringMatching(reason)])
    await reader.stop()

    // From before it, and from the beginning: the same, without a word.
    for (const cursor of [reader.cursors[0], undefined]) {
      const again = follow(source, cursor)
      await until(() => again.read.at(-1) === 'for the rest')
      expect(again.confirmed.filter((each) => each.startsWith('for'))).toEqual(['for the rest'])
      expect(again.troubles).toEqual([])
      await again.stop()
    }
    await topic.publisher.close()
  })

  it.each(ways)('%s, ends the reading of whoever has to know what is there', async (_, spoil) => {
    const topic = await readyTopic()
    const offset = await topic.publisher.send(notices('a'))
    await spoil(topic, notices('b', 'c'))
    const writer = kafkaRevocations({ ...topic.options, neverRestarts: true })
    await expect(firstBatch(writer, cursorOf({ offset, jws: 'a' }))).rejects.toThrow(UnreadableBatch)
    await topic.publisher.close()
  })

  it('and is the last message that a reader took, lets it begin at the beginning', async () => {
    const topic = await readyTopic()
    await topic.publisher.send(notices('a', 'b'))
    const source = begunAgain(kafkaRevocations(topic.options))
    const before = follow(source)
    await until(() => before.read.length === 2)
    await before.stop()
    await broker.damage(topic.topic, 'b')
    await topic.publisher.send(confirming('for both', 0n, 1n))
    await topic.publisher.send(confirming('for the rest', 2n, 2n))
    const after = follow(source, before.cursors[1])
    await until(() => after.read.length === 2)
    expect(after.confirmed).toEqual(['for the rest'])
    await after.stop()
    await topic.publisher.close()
  })

  it('compressed with zstd is none', async () => {
    const topic = await readyTopic()
    await compressed('zstd')(topic, notices('a', 'b'))
    const reader = follow(kafkaRevocations(topic.options))
    await until(() => reader.read.length === 2)
    expect(reader.troubles).toEqual([])
    await reader.stop()
    await topic.publisher.close()
  })

  describe('with a revocation in it', () => {
    const signing = async () => {
      const feed = await testFeed({ issuer: ISSUER })
      const heartbeat = () => feed.sign({ kind: 'heartbeat', through: feed.position, at: Date.now() })
      return { feed, heartbeat, end: async (id: string) => feed.sign(await feed.end(grant(id))) }
    }

    it.each(ways)('%s, makes nobody ready before its writer has sent it anew', async (_, spoil) => {
      const topic = await readyTopic()
      const { feed, heartbeat, end } = await signing()
      await topic.publisher.send(notices(await end('a')))
      const notice = await end('b')
      const lost = await spoil(topic, notices(notice))
      await topic.publisher.send(confirming(await heartbeat(), 0n, lost))
      const { follower, isDead, reasons } = followAs({ sources: [kafkaRevocations(topic.options)] }, feed.keyFor)
      await until(() => reasons().some((reason) => reason.includes('confirms nothing')))
      expect(reasons()[0]).toMatch(/UnreadableBatch: the batch at offsets 1 to 1 is/)
      expect(follower.health()).toMatchObject({ isReady: false, stalenessMs: Infinity })
      expect([isDead('a'), isDead('b')]).toEqual([true, false])

      const again = await topic.publisher.send(notices(notice))
      await topic.publisher.send(confirming(await heartbeat(), lost + 2n, again))
      await follower.ready()
      expect(isDead('b')).toBe(true)
      await follower.close()
      await topic.publisher.close()
    })

    it('is learnt from the other source', async () => {
      const topic = await readyTopic()
      const { feed, heartbeat, end } = await signing()
      const notice = await end('a')
      const lost = await compressed('lz4')(topic, notices(notice))
      await topic.publisher.send(confirming(await heartbeat(), 0n, lost))
      const sources = [kafkaRevocations(topic.options), feed.source()] as const
      const { follower, isDead, reasons } = followAs({ sources, failoverAfterMs: 1 }, feed.keyFor)
      const stop = feed.beat(50)
      await follower.ready()
      expect(isDead('a')).toBe(true)
      await until(() => reasons().some((reason) => reason.includes('lz4')))
      stop()
      await follower.close()
      await topic.publisher.close()
    })
  })
})
