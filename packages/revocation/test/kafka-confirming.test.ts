import fc from 'fast-check'
import type { KafkaMessage } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { BrokenTopic, type Continued, continuity } from '../src/kafka/continuity.ts'
import { messageIdOf, toCursor } from '../src/kafka/cursor.ts'
import { isConfirming, readConfirmed, confirmedHeaders } from '../src/kafka/heartbeat-headers.ts'
import { modelReading, topicModel } from './topic-model.ts'

describe('what a heartbeat confirms', () => {
  it('is read from its headers as it was written', () => {
    const offset = fc.bigInt({ min: 0n, max: 9_223_372_036_854_775_807n })
    fc.assert(
      fc.property(offset, fc.oneof(offset, fc.constant(-1n)), (since, previous) => {
        const headers = confirmedHeaders({ since, previous })
        expect(readConfirmed(headers)).toEqual({ since, previous })
        const asRead = { since: Buffer.from(headers.since), previous: Buffer.from(headers.previous) }
        expect(readConfirmed({ ...asRead, kind: 'notice' })).toEqual({ since, previous })
      }),
    )
  })

  it.each([
    [{}],
    [{ since: '0' }],
    [{ previous: '0' }],
    [{ since: '-1', previous: '0' }],
    [{ since: '0', previous: '-2' }],
    [{ since: '', previous: '0' }],
    [{ since: ' 0', previous: '0' }],
    [{ since: '0\n', previous: '0' }],
    [{ since: '0x1', previous: '0' }],
    [{ since: '1e3', previous: '0' }],
    [{ since: '0.0', previous: '0' }],
    [{ since: '٣', previous: '0' }],
    [{ since: '0', previous: '1'.repeat(20) }],
    [{ since: ['0', '0'], previous: '0' }],
    [{ since: ['0'], previous: '0' }],
    [{ since: undefined, previous: '0' }],
  ])('is nothing when its headers say %j', (headers) => {
    expect(readConfirmed(headers)).toBeUndefined()
    expect(isConfirming(readConfirmed(headers), { began: 0n, offset: 5n })).toBe(false)
  })

  it.each([
    [{ since: 5n, previous: 8n }, { began: 5n, offset: 9n }, true],
    [{ since: 5n, previous: 8n }, { began: 6n, offset: 9n }, false],
    [{ since: 5n, previous: 8n }, { began: 5n, offset: 8n }, false],
    [{ since: 0n, previous: -1n }, { began: 0n, offset: 0n }, true],
  ])('of %o counts for whoever is at %o: %s', (confirmed, at, expected) => {
    expect(isConfirming(confirmed, at)).toBe(expected)
  })
})

const LONG_MS = 3_000
const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.constant('notice' as const) },
  { weight: 3, arbitrary: fc.constant('heartbeat' as const) },
  { weight: 1, arbitrary: fc.constantFrom('expire' as const, 'look' as const) },
  { weight: 1, arbitrary: fc.record({ anew: fc.nat({ max: 5 }) }) },
  { weight: 1, arbitrary: fc.record({ deleted: fc.integer({ min: 0, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ damaged: fc.nat({ max: 6 }), count: fc.integer({ min: 1, max: 3 }) }) },
  { weight: 5, arbitrary: fc.record({ reader: fc.nat({ max: 2 }), reads: fc.constantFrom(1, 2, 99) }) },
  { weight: 1, arbitrary: fc.record({ newcomer: fc.nat({ max: 2 }) }) },
)
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never

interface Matters {
  readonly id: string
  readonly offset: bigint
}

/**
 * Who publishes as the outbox does, but looks at the topic only when it is told to: until then it may send a heartbeat into one
 * that lost something.
 */
function writerOf(topic: ReturnType<typeof topicModel>) {
  /** What must be known of each heartbeat's reader. */
  const said = new Map<string, readonly string[]>()
  let matters: readonly Matters[] = []
  let [since, previous] = [0n, -1n]
  let isEndLost = false
  let texts = 0
  const textOf = (kind: string) => `${kind}.${(texts += 1)}`
  /** Signed anew, a notice is another text that says the same. */
  const signed = (id: string) => `${id} ${(texts += 1)}`

  function wrote(offset: bigint): bigint {
    if (offset <= previous) isEndLost = true
    previous = offset
    return offset
  }
  function refill(): void {
    since = topic.high
    previous = topic.high - 1n
    matters = matters.map(({ id }) => ({ id, offset: wrote(topic.append(signed(id))) }))
    isEndLost = false
  }

  return {
    said,
    previous: () => previous,
    notice() {
      const id = textOf('notice')
      matters = [...matters, { id, offset: wrote(topic.append(signed(id))) }]
    },
    expire() {
      matters = matters.slice(1)
      const oldest = matters[0]?.offset ?? previous + 1n
      if (!isEndLost && oldest > since) since = oldest
    },
    look() {
      if (isEndLost || topic.high <= previous || topic.low > since || topic.isDamagedFrom(since)) refill()
    },
    heartbeat() {
      // What was written behind a lost end was answered with an offset that says so.
      if (isEndLost) refill()
      const id = textOf('heartbeat')
      const headers = confirmedHeaders({ since, previous })
      said.set(
        id,
        matters.map((each) => each.id),
      )
      wrote(topic.append(id, headers))
    },
  }
}

const idOf = ({ value }: KafkaMessage) => String(value).split(' ')[0] ?? ''

type Rule = typeof isConfirming

/** Who follows a topic over any number of readings and takes heartbeats by a rule. */
function readerOf(topic: ReturnType<typeof topicModel>, rule: Rule) {
  const known = new Set<string>()
  const taken: { readonly id: string; readonly known: ReadonlySet<string> }[] = []
  let cursor: string | undefined
  let reading = modelReading(topic, continuity(cursor))

  function take({ began, messages }: Continued): void {
    for (const message of messages) {
      const id = idOf(message)
      const place = { began, ...messageIdOf(message) }
      cursor = toCursor(place)
      known.add(id)
      if (rule(readConfirmed(message.headers ?? {}), place)) taken.push({ id, known: new Set(known) })
    }
  }
  return {
    taken,
    wait: () => reading.wait(LONG_MS),
    read(count: number): void {
      try {
        for (const continued of reading.fetch({ count, took: 1 }) ?? []) take(continued)
      } catch (error) {
        if (!(error instanceof BrokenTopic)) throw error
        reading = modelReading(topic, continuity(cursor))
      }
    },
  }
}

/**
 * Three readers of what a writer writes. Others write, too, into a topic that was made anew: less than was there before, unless
 * they may hide that it was.
 */
function world(rule: Rule, mayHide: boolean) {
  const topic = topicModel()
  const writer = writerOf(topic)
  const readers = [0, 1, 2].map(() => readerOf(topic, rule))
  const gone: typeof readers = []

  function makeAnew(strangers: number): void {
    topic.makeAnew()
    for (const reader of readers) reader.wait()
    for (let nth = 0; nth < strangers && (mayHide || topic.high < writer.previous()); nth += 1)
      topic.append(`stranger.${nth}`)
  }

  return {
    play(steps: readonly Step[]): void {
      for (const step of steps) {
        if (typeof step === 'string') writer[step]()
        else if ('anew' in step) makeAnew(step.anew)
        else if ('deleted' in step) topic.deleteBefore(topic.low + BigInt(step.deleted))
        else if ('damaged' in step) topic.damage(topic.high - 1n - BigInt(step.damaged), step.count)
        else if ('reader' in step) readers[step.reader]?.read(step.reads)
        else gone.push(...readers.splice(step.newcomer, 1, readerOf(topic, rule)))
      }
    },
    /** What heartbeats that were taken confirmed, and their readers did not know. */
    missed: () =>
      [...readers, ...gone].flatMap(({ taken }) =>
        taken.flatMap(({ id, known }) => (writer.said.get(id) ?? []).filter((each) => !known.has(each))),
      ),
    /** Whether everybody takes the newest heartbeat once the writer has looked. */
    recovers(): boolean {
      writer.look()
      for (let round = 0; round < 5; round += 1) {
        writer.heartbeat()
        for (const reader of readers) for (let tries = 0; tries < 3; tries += 1) reader.read(999)
      }
      const newest = [...writer.said.keys()].at(-1)
      return readers.every(({ taken }) => taken.at(-1)?.id === newest)
    },
  }
}

const holds = (rule: Rule) =>
  fc.check(
    fc.property(fc.array(anyStep, { maxLength: 60 }), (steps) => {
      const made = world(rule, false)
      made.play(steps)
      expect(made.missed()).toEqual([])
      expect(made.recovers()).toBe(true)
      expect(made.missed()).toEqual([])
    }),
    { numRuns: 3_000, endOnFailure: true },
  )

describe('a heartbeat that counts', () => {
  it('comes to nobody who misses what it confirms, wherever they began and whatever was lost, and to all others soon', () => {
    expect(holds(isConfirming)).toMatchObject({ failed: false })
  })

  it.each<[string, Rule]>([
    ['any counts', (confirmed) => confirmed !== undefined],
    [
      'it does not matter where its reader began',
      (confirmed, { offset }) => isConfirming(confirmed, { began: 0n, offset }),
    ],
    [
      'its reader may have begun one too late',
      (confirmed, { began, offset }) => isConfirming(confirmed, { began: began - 1n, offset }),
    ],
    [
      'it does not matter where it stands',
      (confirmed, { began }) => isConfirming(confirmed, { began, offset: 9_999n }),
    ],
    [
      'it may stand where the message before it stood',
      (confirmed, { began, offset }) => isConfirming(confirmed, { began, offset: offset + 1n }),
    ],
  ])('control: comes to somebody who does when %s', (_, rule) => {
    expect(holds(rule)).toMatchObject({ failed: true })
  })

  it('control: does when others hide from its writer that the topic was made anew, who therefore has to read it back', () => {
    const [honest, hiding] = [world(isConfirming, false), world(isConfirming, true)]
    for (const each of [honest, hiding]) each.play(['notice', { anew: 2 }, 'heartbeat', { reader: 0, reads: 99 }])
    expect(honest.missed()).toEqual([])
    expect(hiding.missed()).toEqual(['notice.1'])
  })
})
