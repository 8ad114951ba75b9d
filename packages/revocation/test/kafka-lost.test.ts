import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BrokenTopic, ensureTopic, kafkaPublisher, kafkaRevocations, offsetOf } from '../src/kafka/index.ts'
import type { FeedItem } from '../src/feed/index.ts'
import { type Broker, brokerIsAvailable, openBroker, testFeed } from '../src/testing/index.ts'
import { ISSUER } from './arbitrary.ts'
import { follow as followAs, grant } from './following.ts'
import { follow, notices, until, confirming } from './kafka-reader.ts'

const HOUR = 3_600_000
/** Batches of 3 MB, so many that a reader does not get all of them by one fetch. */
const MORE_THAN_A_FETCH = 6

describe.skipIf(!brokerIsAvailable())('a topic that lost something', () => {
  let broker: Broker
  beforeAll(async () => {
    broker = await openBroker()
  })
  afterAll(() => broker.close())

  /** A topic that is there, and who fills it. */
  async function filled(topic = `revocations-${randomUUID()}`) {
    const options = { brokers: broker.brokers, topic }
    await until(() =>
      ensureTopic({ ...options, retentionMs: HOUR }).then(
        () => true,
        () => false,
      ),
    )
    return { options, publisher: kafkaPublisher(options) }
  }

  it('has all that its reader knows while the reader keeps up, and not what one who begins then reads', async () => {
    const { options, publisher } = await filled()
    await publisher.send(notices('a', 'b'))
    const before = follow(kafkaRevocations(options))
    await until(() => before.read.length === 2)
    await broker.truncate(options.topic)
    await publisher.send(confirming('for all', 0n, 1n))
    await publisher.send(confirming('for the rest', 2n, 2n))
    const after = follow(kafkaRevocations(options))
    await until(() => before.read.length === 4 && after.read.length === 2)
    expect(before.confirmed).toEqual(['for all', 'for the rest'])
    expect(after.confirmed).toEqual(['for the rest'])
    await Promise.all([before.stop(), after.stop()])
    await publisher.close()
  })

  it('breaks under a reader that is behind, who begins at what is there and takes no heartbeat of before', async () => {
    const { options, publisher } = await filled()
    const large = Array.from({ length: 60 }, (_, nth) => `${nth}`.padStart(50_000, 'x'))
    for (let sent = 0; sent < MORE_THAN_A_FETCH; sent += 1) await publisher.send(notices(...large))
    const count = BigInt(MORE_THAN_A_FETCH * large.length)
    const source = kafkaRevocations(options)
    const { signal } = new AbortController()
    const taken: FeedItem[] = []
    const slow = (async () => {
      for await (const items of source.open({ cursor: undefined, after: undefined, signal })) {
        taken.push(...items)
        if (taken.length === items.length) await broker.truncate(options.topic)
      }
    })()
    await expect(slow).rejects.toThrow(BrokenTopic)
    expect(taken.length).toBeLessThan(Number(count))

    await publisher.send(confirming('of before', 0n, count - 1n))
    await publisher.send(confirming('of now', count, count))
    const again = follow(source, taken.at(-1)?.cursor)
    await until(() => again.read.length === 2)
    expect(again.confirmed).toEqual(['of now'])
    await again.stop()
    await publisher.close()
  })

  it('made anew and filled by another, takes no heartbeat of whoever filled it before', async () => {
    const { options, publisher } = await filled()
    await publisher.send(notices('a', 'b', 'c', 'd'))
    await publisher.close()
    await broker.deleteTopic(options.topic)
    const { publisher: another } = await filled(options.topic)
    await another.send(notices('e', 'f'))
    const reader = follow(kafkaRevocations(options))
    const old = kafkaPublisher(options)
    await old.send(confirming('of the old one', 0n, 3n))
    await another.send(confirming('of the new one', 0n, 1n))
    await until(() => reader.read.length === 4)
    expect(reader.confirmed).toEqual(['of the new one'])
    await reader.stop()
    await Promise.all([old.close(), another.close()])
  })

  it('is no matter to a reader that goes on where it was: it has read from where it began', async () => {
    const { options, publisher } = await filled()
    await publisher.send(notices('a', 'b'))
    const first = follow(kafkaRevocations(options))
    await until(() => first.read.length === 2)
    await first.stop()
    await publisher.send(confirming('for all', 0n, 1n))
    const again = follow(kafkaRevocations(options), first.cursors.at(-1))
    await until(() => again.read.length === 1)
    expect(again.confirmed).toEqual(['for all'])
    await again.stop()
    const yetAgain = follow(kafkaRevocations(options), again.cursors.at(-1))
    await publisher.send(confirming('for all that', 0n, 2n))
    await until(() => yetAgain.read.length === 1)
    expect(yetAgain.confirmed).toEqual(['for all that'])
    expect(yetAgain.cursors.map(offsetOf)).toEqual([3n])
    await yetAgain.stop()
    await publisher.close()
  })

  it('makes nobody ready until its writer has sent everything anew', async () => {
    const { options, publisher } = await filled()
    const feed = await testFeed({ issuer: ISSUER })
    const heartbeat = () => feed.sign({ kind: 'heartbeat', through: feed.position, at: Date.now() })
    const notice = await feed.sign(await feed.end(grant('a')))
    const written = await publisher.send(notices(notice))
    await broker.truncate(options.topic)
    const { follower, isDead, reasons } = followAs({ sources: [kafkaRevocations(options)] }, feed.keyFor)
    const refused = await publisher.send(confirming(await heartbeat(), written, written))
    await until(() => reasons().length > 0)
    expect(reasons()[0]).toMatch(/confirms nothing/)
    expect(follower.health()).toMatchObject({ isReady: false, stalenessMs: Infinity })

    const again = await publisher.send(notices(notice))
    await publisher.send(confirming(await heartbeat(), refused + 1n, again))
    await follower.ready()
    expect(isDead('a')).toBe(true)
    await follower.close()
    await publisher.close()
  })

  it('takes no heartbeat that does not say what it confirms, whatever it says it is', async () => {
    const { options, publisher } = await filled()
    await publisher.send([
      { jws: 'silent', position: '1', kind: 'heartbeat' },
      { jws: 'called a notice', position: '1', kind: 'notice', confirmed: { since: 0n, previous: -1n } },
    ])
    const reader = follow(kafkaRevocations(options))
    await until(() => reader.read.length === 2)
    expect(reader.confirmed).toEqual(['called a notice'])
    await reader.stop()
    await publisher.close()
  })
})
