import { setImmediate as turn } from 'node:timers/promises'
import { type Checkpoints, inMemoryEventStore, type Position, START } from '@ledgate/eventsourcing'
import { nthPosition } from '@ledgate/eventsourcing/testing'
import type { NoticePublisher } from '@ledgate/revocation'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { controls, rounds } from '../../../../../rounds.ts'
import { cursorOf, type FakeFeed, fakeFeed, fakeKeys, type FakeTopic, fakeTopic } from '../../testing/fake-topic.ts'
import { createOutbox, type OutboxOptions } from './outbox.ts'

function memoryCheckpoints(): Checkpoints {
  const kept = new Map<string, string>()
  return {
    load: async (name) => kept.get(name) ?? '',
    save: async (name, place) => void kept.set(name, place),
  }
}

interface World {
  readonly topic: FakeTopic
  readonly feed: FakeFeed
  start(checkpoints: Checkpoints): {
    stop(): Promise<void>
    /** Ends it, and what it had not saved by now is not saved any more. */
    crash(): Promise<void>
    published(position: Position): Promise<boolean>
  }
  rotate(): void
  /** The key that signed is not believed any more. */
  compromise(): void
}

type Reached = Pick<FakeTopic, 'open' | 'readOn' | 'readThrough'>

function world(change: Partial<OutboxOptions> = {}, through: (topic: FakeTopic) => Reached = (topic) => topic): World {
  const keys = fakeKeys()
  const topic = fakeTopic(keys)
  const reached = through(topic)
  const feed = fakeFeed(topic, keys)
  return {
    topic,
    feed,
    rotate: keys.rotate,
    compromise: keys.compromise,
    start(checkpoints) {
      const stopping = new AbortController()
      let isDead = false
      const saved: Checkpoints = {
        load: checkpoints.load,
        save: async (name, position) => void (isDead || (await checkpoints.save(name, position))),
      }
      const box = createOutbox({
        follow: (after, signal) => feed.follow(after, signal),
        parsePosition: inMemoryEventStore().parsePosition,
        liveSet: feed.liveSet,
        waitingSince: () => undefined,
        kidOf: keys.kidOf,
        isBelieved: async (kid) => keys.isBelieved(kid),
        openPublisher: reached.open,
        readOn: reached.readOn,
        readThrough: reached.readThrough,
        cursorOf,
        checkpoints: saved,
        now: Date.now,
        backoffMs: { first: 1, longest: 2 },
        onError: () => undefined,
        ...change,
      })
      const running = box.run(stopping.signal)
      async function stop() {
        stopping.abort()
        await running
      }
      return {
        stop,
        crash() {
          isDead = true
          return stop()
        },
        published: (position) => box.waitUntilPublished(position, 10_000),
      }
    },
  }
}

const step = fc.constantFrom(
  ...([
    'end',
    'end',
    'end',
    'beat',
    'beat',
    'wait',
    'stop',
    'crash',
    'another',
    'zombie',
    'forget',
    'trim',
    'damage',
    'rotate',
    'compromise',
  ] as const),
)

/** Lets the outbox beat until readers have taken two more heartbeats. */
async function twoHeartbeats({ topic, feed }: World): Promise<void> {
  const [before, late] = [topic.accepted(), Date.now() + 10_000]
  while (topic.accepted() < before + 2) {
    if (Date.now() > late) throw new Error('no reader takes a heartbeat any more')
    feed.beat()
    for (let n = 0; n < 20; n += 1) await turn()
  }
}

async function play(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[], made: World) {
  const { topic, feed } = made
  let checkpoints = memoryCheckpoints()
  let box = made.start(checkpoints)
  const zombies: (typeof box)[] = []
  for (const each of steps) {
    if (each === 'end') feed.end()
    if (each === 'beat') feed.beat()
    if (each === 'forget') await topic.forget()
    if (each === 'trim') topic.deleteBefore(2)
    if (each === 'damage') topic.damage(1)
    if (each === 'rotate') made.rotate()
    if (each === 'compromise') made.compromise()
    if (each === 'zombie') zombies.push(box)
    if (each === 'stop' || each === 'another') await box.stop()
    if (each === 'crash') await box.crash()
    if (each === 'another') checkpoints = memoryCheckpoints()
    // What was read back before is read again by whoever begins.
    if (each === 'damage') await box.stop()
    if (['stop', 'crash', 'zombie', 'another', 'damage'].includes(each)) box = made.start(checkpoints)
    if (each !== 'end') for (let n = 0; n < 4; n += 1) await turn()
  }
  const last = feed.end()
  expect(await box.published(last)).toBe(true)
  await twoHeartbeats(made)
  for (const each of [box, ...zombies]) await each.stop()
}

describe('the outbox', () => {
  it('sends notices in the order of the log, and each at once', async () => {
    const { topic, feed, start } = world()
    const box = start(memoryCheckpoints())
    const positions: Position[] = []
    for (let n = 0; n < 50; n += 1) {
      positions.push(feed.end())
      expect(await box.published(positions.at(-1) ?? START)).toBe(true)
    }
    expect(topic.notices()).toEqual(positions)
    await box.stop()
  })

  it('goes on where it was, and sends nothing again that was acknowledged and noted', async () => {
    const { topic, feed, start } = world()
    const checkpoints = memoryCheckpoints()
    const first = start(checkpoints)
    await first.published(feed.end())
    await first.stop()
    const second = start(checkpoints)
    await second.published(feed.end())
    await second.stop()
    expect(topic.notices()).toEqual([nthPosition(1), nthPosition(2)])
  })

  it('keeps everything while there is no broker, and sends it in order when there is one', async () => {
    const { topic, feed, start } = world()
    const box = start(memoryCheckpoints())
    await box.published(feed.end())
    topic.away(true)
    const missed = Array.from({ length: 20 }, () => feed.end())
    for (let n = 0; n < 50; n += 1) await turn()
    topic.away(false)
    expect(await box.published(missed.at(-1) ?? START)).toBe(true)
    const sent = [...new Set(topic.notices())]
    expect(sent).toEqual(sent.toSorted())
    expect(sent).toHaveLength(21)
    await box.stop()
  })

  it('forgets where it was before it goes on, however often that cannot be written down', async () => {
    const made = world()
    const { topic, feed, start } = made
    const kept = memoryCheckpoints()
    let refusals = 3
    const box = start({
      ...kept,
      async save(name, position) {
        if (position === START && (refusals -= 1) >= 0) throw new Error('no place is left')
        await kept.save(name, position)
      },
    })
    const before = [feed.end(), feed.end()]
    await box.published(before.at(-1) ?? START)
    await twoHeartbeats(made)
    await topic.forget()
    const last = feed.end()
    expect(await box.published(last)).toBe(true)
    await twoHeartbeats(made)
    expect(refusals).toBeLessThan(0)
    expect([...new Set(topic.notices())].toSorted()).toEqual([...before, last])
    await box.stop()
  })

  it('sends everything that matters again behind an unreadable batch, whether it reads that later or had read it back', async () => {
    for (const before of [0, 1, 2]) {
      const made = world({ readThroughMs: 1 })
      const { topic, feed, start } = made
      const box = start(memoryCheckpoints())
      const ended = [feed.end(), feed.end()]
      await box.published(ended.at(-1) ?? START)
      await twoHeartbeats(made)
      const count = topic.notices().length
      topic.damage(before)
      await twoHeartbeats(made)
      expect(topic.notices().slice(count)).toEqual(expect.arrayContaining(ended))
      expect(topic.broken).toEqual([])
      await box.stop()
    }
  })

  const vouchesRightly = (make: (change: Partial<OutboxOptions>) => World) =>
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(3, 60_000), async (steps, refillMs) => {
      const made = make({ refillMs })
      await play(steps, made)
      expect(made.topic.broken).toEqual([])
    })

  it('vouches for nothing that is missing, whatever is killed, raced, cut off, trimmed, damaged and rotated', async () => {
    await fc.assert(
      vouchesRightly((change) => world(change)),
      { numRuns: rounds({ quick: 40, long: 1_000 }) },
    )
  })

  controls(() =>
    it('control: who does not read back what was written vouches for what is gone', async () => {
      const broken = await fc.check(
        vouchesRightly((change) => world(change, believing)),
        { numRuns: 20_000, endOnFailure: true },
      )
      expect(broken.failed).toBe(true)
    }),
  )
})

/** A topic whose writers take every answer for the truth. */
function believing(topic: FakeTopic) {
  const written = new Set<string>()
  return {
    readThrough: topic.readThrough,
    async open(): Promise<NoticePublisher> {
      const publisher = await topic.open()
      return {
        ...publisher,
        async send(publications) {
          const offset = await publisher.send(publications)
          written.add(cursorOf({ offset, jws: publications.at(-1)?.jws ?? '' }))
          return offset
        },
      }
    },
    async *readOn(_cursor: string, signal: AbortSignal) {
      while (!signal.aborted) {
        yield [...written].map((cursor) => ({ cursor }))
        await turn()
      }
    },
  }
}
