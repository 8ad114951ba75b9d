import { setImmediate as turn } from 'node:timers/promises'
import { type Checkpoints, type Position, START } from '@ledgate/eventsourcing'
import type { NoticePublisher, Publication } from '@ledgate/revocation'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Gone } from './gone.ts'
import { outbox, type OutboxOptions } from './outbox.ts'
import { EndLost } from './topic-writer.ts'

const positionOf = (n: number): Position => String(n).padStart(6, '0') as Position

interface Written extends Publication {
  readonly offset: bigint
}

const cursorOf = ({ offset, jws }: { readonly offset: bigint; readonly jws: string }) => `${offset} ${jws}`

/** Keys that sign, no two times alike; of which some are not believed any more. */
function fakeKeys() {
  let [keys, believed, signatures] = [1, 1, 0]
  const isBelieved = (kid: string) => Number(kid.slice(1)) >= believed
  return {
    kidOf: ({ jws }: Publication) => jws.split(' ').at(-1) ?? '',
    isBelieved,
    sign: (one: Publication): Publication => ({ ...one, jws: `${one.jws} ${(signatures += 1)} k${keys}` }),
    isValid: ({ jws }: Publication) => isBelieved(jws.split(' ').at(-1) ?? ''),
    rotate: () => void (keys += 1),
    /** The key that signs now is not believed any more. */
    compromise: () => void (believed = keys += 1),
    firstBelieved: () => believed,
  }
}
type FakeKeys = ReturnType<typeof fakeKeys>

/** A topic that loses its end or its beginning, or is away, when it is told to. */
function fakeTopic(keys: FakeKeys) {
  let records: Written[] = []
  let [low, high] = [0n, 0n]
  let isAway = false
  let life = 0
  /** Of heartbeats: what somebody knows who read from the offset it vouches for; checked as it is written. */
  const broken: string[] = []
  const lives = new Set<string>()
  let accepted = 0

  function check(record: Written): void {
    const { vouched } = record
    // Its readers ignore it.
    if (vouched === undefined || low > vouched.since || record.offset <= vouched.previous || !keys.isValid(record))
      return
    accepted += 1
    const read = records.filter((one) => one.kind === 'notice' && one.offset >= vouched.since && keys.isValid(one))
    const known = new Set(read.map(({ position }) => position))
    for (const position of lives)
      if (position <= record.position && !known.has(position)) broken.push(`${position} before ${record.offset}`)
  }

  const open = async (): Promise<NoticePublisher> => ({
    async send(publications) {
      await turn()
      if (isAway) throw new Error('no broker')
      for (const publication of publications) {
        const record = { ...publication, offset: high }
        high += 1n
        records.push(record)
        check(record)
      }
      const last = high - 1n
      await turn()
      if (isAway) throw new Error('no answer')
      return last
    },
    async range() {
      await turn()
      if (isAway) throw new Error('no broker')
      return { low, high }
    },
    close: async () => {},
  })

  /** Ends with an error when the topic is made anew, as the connection or the broker would. */
  async function* readOn(cursor: string, signal: AbortSignal) {
    await turn()
    if (isAway) throw new Error('no broker')
    let read = BigInt(cursor.split(' ')[0] ?? '')
    const began = life
    if (!records.some(({ offset, jws }) => cursorOf({ offset, jws }) === cursor)) throw new EndLost()
    while (!signal.aborted) {
      if (isAway || began !== life) throw new Error('lost the connection')
      const next = records.filter(({ offset }) => offset > read)
      read = next.at(-1)?.offset ?? read
      if (next.length > 0) yield next.map((record) => ({ cursor: cursorOf(record) }))
      await turn()
    }
  }

  return {
    open,
    readOn,
    broken,
    lives,
    notices: () => records.filter(({ kind }) => kind === 'notice').map(({ position }) => position),
    /** Heartbeats that a reader takes which begins at the beginning. */
    accepted: () => accepted,
    away: (is: boolean) => (isAway = is),
    /** Takes its time, as it does. */
    async forget() {
      isAway = true
      for (let n = 0; n < 10; n += 1) await turn()
      ;[records, low, high] = [[], 0n, 0n]
      life += 1
      isAway = false
    },
    deleteBefore(share: number) {
      low = low + ((high - low) * BigInt(share)) / 4n
      records = records.filter(({ offset }) => offset >= low)
    },
  }
}

/** A feed that holds only the newest notices, and the set of all of them. */
function fakeFeed(topic: ReturnType<typeof fakeTopic>, keys: FakeKeys, ring = 4) {
  const all: Publication[] = []
  let last = 0
  let beats = 0
  const add = (kind: Publication['kind']): Position => {
    last += 1
    const position = positionOf(last)
    if (kind === 'notice') topic.lives.add(position)
    all.push({ kind, position, jws: `${kind} ${position}` })
    return position
  }
  return {
    end: () => add('notice'),
    beat: () => (beats += 1),
    last: () => positionOf(last),
    async *follow(after: Position, signal: AbortSignal): AsyncGenerator<Publication> {
      const notices = () => all.filter(({ kind, position }) => kind === 'notice' && position > reached)
      let reached = after
      let heard = beats
      const oldest = all.at(-ring)?.position
      if (oldest !== undefined && after < oldest && notices().length > ring) throw new Gone()
      const believed = keys.firstBelieved()
      while (!signal.aborted) {
        if (believed !== keys.firstBelieved()) throw new Gone()
        for (const notice of notices()) {
          reached = notice.position as Position
          yield keys.sign(notice)
        }
        if (heard !== beats) {
          heard = beats
          yield keys.sign({ kind: 'heartbeat', position: positionOf(last), jws: `heartbeat ${last}` })
        }
        await turn()
      }
    },
    async liveSet(after: Position) {
      const found = all.filter(({ position }) => position > after)
      async function* batches() {
        for (let at = 0; at < found.length; at += 3) yield found.slice(at, at + 3).map(keys.sign)
      }
      return { through: positionOf(last), batches: batches() }
    },
  }
}

function memoryCheckpoints(): Checkpoints {
  const kept = new Map<string, Position>()
  return {
    load: async (name) => kept.get(name) ?? START,
    save: async (name, position) => void kept.set(name, position),
  }
}

interface World {
  readonly topic: ReturnType<typeof fakeTopic>
  readonly feed: ReturnType<typeof fakeFeed>
  start(checkpoints: Checkpoints): { stop(): Promise<void>; published(position: Position): Promise<boolean> }
  rotate(): void
  /** The key that signed is not believed any more. */
  compromise(): void
}

type Reached = Pick<ReturnType<typeof fakeTopic>, 'open' | 'readOn'>

function world(
  change: Partial<OutboxOptions> = {},
  through: (topic: ReturnType<typeof fakeTopic>) => Reached = (topic) => topic,
): World {
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
      const box = outbox({
        follow: feed.follow,
        liveSet: feed.liveSet,
        waitingSince: () => undefined,
        kidOf: keys.kidOf,
        isBelieved: keys.isBelieved,
        openPublisher: reached.open,
        readOn: reached.readOn,
        cursorOf,
        checkpoints,
        now: Date.now,
        backoffMs: { first: 1, longest: 2 },
        onError: () => undefined,
        ...change,
      })
      const running = box.run(stopping.signal)
      return {
        async stop() {
          stopping.abort()
          await running
        },
        published: (position) => box.published(position, 10_000),
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
    'kill',
    'another',
    'zombie',
    'forget',
    'trim',
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
    if (each === 'rotate') made.rotate()
    if (each === 'compromise') made.compromise()
    if (each === 'zombie') zombies.push(box)
    if (each === 'kill' || each === 'another') await box.stop()
    if (each === 'another') checkpoints = memoryCheckpoints()
    if (['kill', 'zombie', 'another'].includes(each)) box = made.start(checkpoints)
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
    expect(topic.notices()).toEqual(['000001', '000002'])
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

  const vouchesRightly = (make: (change: Partial<OutboxOptions>) => World) =>
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), fc.constantFrom(3, 60_000), async (steps, refillMs) => {
      const made = make({ refillMs })
      await play(steps, made)
      expect(made.topic.broken).toEqual([])
    })

  it('vouches for nothing that is missing, whatever is killed, raced, cut off, trimmed and rotated', async () => {
    await fc.assert(
      vouchesRightly((change) => world(change)),
      { numRuns: 1_000 },
    )
  })

  it('control: who does not read back what was written vouches for what is gone', async () => {
    const broken = await fc.check(
      vouchesRightly((change) => world(change, believing)),
      { numRuns: 20_000, endOnFailure: true },
    )
    expect(broken.failed).toBe(true)
  })
})

/** A topic whose writers take every answer for the truth. */
function believing(topic: ReturnType<typeof fakeTopic>) {
  const written = new Set<string>()
  return {
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
