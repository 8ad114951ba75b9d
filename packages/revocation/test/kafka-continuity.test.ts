import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BrokenTopic, type Continued, type Continuity, continuity } from '../src/kafka/continuity.ts'
import { cursorOf, messageIdOf, toCursor } from '../src/kafka/cursor.ts'
import { messageOf, modelReading, topicModel } from './topic-model.ts'

const messages = (from: number, ...texts: readonly string[]) =>
  texts.map((text, nth) => messageOf(BigInt(from + nth), text))
const textsOf = (parts: readonly Continued[] | undefined) =>
  parts?.flatMap(({ messages: of }) => of.map(({ value }) => String(value)))
const behind = (offset: number, text: string, began = 0) =>
  toCursor({ began: BigInt(began), ...messageIdOf(messageOf(BigInt(offset), text)) })

describe('a reading', () => {
  it('without a cursor begins where the first message is', () => {
    const order = continuity(undefined)
    expect(order.looking(1, 0)).toBeUndefined()
    expect(order.fetched(messages(7, 'a', 'b'))).toEqual([{ began: 7n, messages: messages(7, 'a', 'b') }])
    expect(order.fetched(messages(9, 'c'))).toEqual([{ began: 7n, messages: messages(9, 'c') }])
  })

  it('goes on behind the message of its cursor, and has read from where that one began', () => {
    const order = continuity(behind(7, 'a', 3))
    expect(order.looking(1, 0)).toBe('7')
    expect(order.fetched(messages(7, 'a', 'b'))).toEqual([{ began: 3n, messages: messages(8, 'b') }])
  })

  it('begins at the offset that it is told, when it has no cursor', () => {
    const order = continuity(undefined, { startsAt: 4n })
    expect(order.looking(1, 0)).toBe('4')
    expect(order.looking(1, 9_000)).toBe('4')
    expect(order.fetched(messages(4, 'a'))).toMatchObject([{ began: 4n }])
    expect(continuity(behind(7, 'a', 3), { startsAt: 4n }).looking(1, 0)).toBe('7')
  })

  it('of a cursor with nothing behind it says so, with no message', () => {
    expect(continuity(behind(7, 'a', 3)).fetched(messages(7, 'a'))).toEqual([{ began: 3n, messages: [] }])
  })

  it.each([
    ['another message stands there', messages(7, 'x', 'y')],
    ['there is only what came later', messages(9, 'x', 'y')],
  ])('begins at the beginning when %s', (_, found) => {
    const order = continuity(behind(7, 'a', 3))
    order.looking(1, 0)
    expect(order.fetched(found)).toBeUndefined()
    expect(order.looking(1, 1)).toBe('-2')
    expect(order.fetched(messages(5, 'v', 'w'))).toMatchObject([{ began: 5n }])
  })

  it('begins at the beginning when Kafka has no such offset', () => {
    const order = continuity(behind(7, 'a'))
    order.wasReset()
    expect(order.fetched(messages(2, 'x'))).toBeUndefined()
    expect(order.looking(1, 1)).toBe('-2')
  })

  it('that must not begin anew breaks instead', () => {
    const options = { neverRestarts: true }
    expect(() => continuity('nonsense', options)).toThrow(BrokenTopic)
    expect(() => continuity(behind(7, 'a'), options).fetched(messages(7, 'x'))).toThrow(BrokenTopic)
    expect(() => continuity(behind(7, 'a'), options).wasReset()).toThrow(BrokenTopic)
    const own = continuity(cursorOf({ offset: 7n, jws: 'a' }), options)
    expect(own.fetched(messages(7, 'a', 'b'))).toEqual([{ began: 7n, messages: messages(8, 'b') }])
    const first = continuity(undefined, options)
    first.wasReset()
    expect(first.fetched(messages(7, 'a'))).toMatchObject([{ began: 7n }])
  })

  it('looks at its last message again when it was away from the broker that leads, whatever others were asked', () => {
    const order = continuity(undefined)
    order.looking(1, 0)
    order.looking(2, 0)
    order.fetched(messages(0, 'a', 'b'))
    for (const now of [1_000, 2_000, 3_000]) expect(order.looking(2, now)).toBeUndefined()
    expect(order.looking(1, 3_000)).toBe('1')
    expect(textsOf(order.fetched(messages(1, 'b', 'c')))).toEqual(['c'])
  })

  it('does not ask again for what a slow broker is answering', () => {
    const order = continuity(behind(7, 'a'))
    order.looking(1, 0)
    expect(order.looking(1, 9_000)).toBeUndefined()
    expect(textsOf(order.fetched(messages(7, 'a', 'b')))).toEqual(['b'])
  })

  it('that comes to a message behind what is missing has begun there', () => {
    const order = continuity(undefined)
    const parts = [
      { began: 3n, messages: messages(3, 'a', 'b') },
      { began: 7n, messages: messages(7, 'e') },
    ]
    expect(order.fetched([...messages(3, 'a', 'b'), ...messages(7, 'e')])).toEqual(parts)
    expect(order.fetched(messages(8, 'f'))).toEqual([{ began: 7n, messages: messages(8, 'f') }])
    expect(order.fetched(messages(12, 'g'))).toEqual([{ began: 12n, messages: messages(12, 'g') }])
    const own = continuity(behind(7, 'a'), { neverRestarts: true })
    expect(() => own.fetched([...messages(7, 'a'), ...messages(9, 'c')])).toThrow(BrokenTopic)
  })

  it('breaks when its topic is another one', () => {
    const away = continuity(undefined)
    away.fetched(messages(0, 'a', 'b'))
    away.looking(1, 0)
    expect(() => away.fetched(messages(1, 'x', 'y'))).toThrow(BrokenTopic)
    const back = continuity(undefined)
    back.fetched(messages(5, 'a', 'b'))
    expect(() => back.fetched(messages(6, 'x'))).toThrow(BrokenTopic)
    const gone = continuity(undefined)
    gone.fetched(messages(5, 'a'))
    expect(() => gone.wasReset()).toThrow(BrokenTopic)
  })
})

const LONG_MS = 3_000
const anyStep = fc.oneof(
  { weight: 3, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 4 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      read: fc.integer({ min: 1, max: 3 }),
      took: fc.constantFrom(1, 1, 1, LONG_MS),
      isMadeAnew: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ deleted: fc.integer({ min: 0, max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ anew: fc.integer({ min: 0, max: 8 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ damaged: fc.integer({ min: 0, max: 4 }), count: fc.integer({ min: 1, max: 3 }) }),
  },
  { weight: 1, arbitrary: fc.constantFrom('wait' as const, 'open again' as const) },
)
type Step = typeof anyStep extends fc.Arbitrary<infer S> ? S : never

interface Variant {
  /** What is written into the topic; each is different. */
  readonly textOf?: (id: string) => string
  readonly open?: (cursor: string | undefined) => Continuity
}

/** A topic, its reader over any number of readings, and what was ever written and given. */
function world({ textOf = (id) => id, open = (cursor) => continuity(cursor) }: Variant) {
  const topic = topicModel()
  const written = new Map<string, bigint[]>()
  const given = new Set<string>()
  const missed: string[] = []
  let cursor: string | undefined
  let reading = modelReading(topic, open(cursor))
  let texts = 0

  const lifeOf = (text: string) => text.split('.')[0] ?? ''
  function append(count: number): void {
    for (let nth = 0; nth < count; nth += 1) {
      const life = String(topic.life)
      written.set(life, [...(written.get(life) ?? []), topic.append(textOf(`${life}.${topic.high}.${(texts += 1)}`))])
    }
  }
  function take({ began, messages: taken }: Continued): void {
    for (const message of taken) {
      const life = lifeOf(String(message.value))
      given.add(`${life}.${message.offset}`)
      for (const offset of written.get(life) ?? [])
        if (offset >= began && offset <= BigInt(message.offset) && !given.has(`${life}.${offset}`))
          missed.push(`${life}.${offset} before ${message.offset}`)
      cursor = toCursor({ began, ...messageIdOf(message) })
    }
  }
  function makeAnew(count: number): void {
    topic.makeAnew()
    append(count)
  }
  function openAgain(): void {
    reading = modelReading(topic, open(cursor))
  }
  function read(round: Parameters<typeof reading.fetch>[0]): void {
    try {
      for (const continued of reading.fetch(round) ?? []) take(continued)
    } catch (error) {
      if (!(error instanceof BrokenTopic)) throw error
      openAgain()
    }
  }

  return {
    missed,
    play(step: Step): void {
      if (step === 'wait') reading.wait(LONG_MS)
      else if (step === 'open again') openAgain()
      else if ('append' in step) append(step.append)
      else if ('deleted' in step) topic.deleteBefore(topic.low + ((topic.high - topic.low) * BigInt(step.deleted)) / 4n)
      else if ('damaged' in step)
        topic.damage(topic.low + ((topic.high - topic.low) * BigInt(step.damaged)) / 4n, step.count)
      else if ('anew' in step) {
        // A reading that asks for a topic while it is not there breaks by itself.
        makeAnew(step.anew)
        reading.wait(LONG_MS)
      } else if (step.isMadeAnew && step.took === LONG_MS)
        read({ count: step.read, took: step.took, meanwhile: () => makeAnew(step.read * 3) })
      else read({ count: step.read, took: step.took })
    },
    /** Whether the newest message comes in the end, as long as there are new ones. */
    arrives(): boolean {
      for (let round = 0; round < 10; round += 1) {
        append(1)
        read({ count: 100, took: 1 })
      }
      return given.has(`${topic.life}.${topic.high - 1n}`)
    },
  }
}

const holds = (variant: Variant = {}) =>
  fc.check(
    fc.property(fc.array(anyStep, { maxLength: 40 }), (steps) => {
      const made = world(variant)
      for (const step of steps) made.play(step)
      expect(made.missed).toEqual([])
      expect(made.arrives()).toBe(true)
      expect(made.missed).toEqual([])
    }),
    { numRuns: 2_000, endOnFailure: true },
  )

/** A reading that says of itself that it began where the topic did. */
const beganAtZero = (parts: readonly Continued[] | undefined) => parts?.map((part) => ({ ...part, began: 0n }))

/** A reading that goes on behind a gap as if there were none. */
function beganAtFirst(order: Continuity): Partial<Continuity> {
  let began: bigint | undefined
  const fetched: Continuity['fetched'] = (given) =>
    order.fetched(given)?.map((part) => ({ ...part, began: (began ??= part.began) }))
  return { fetched }
}

const changed = (change: (order: Continuity) => Partial<Continuity>) => (cursor: string | undefined) => {
  const order = continuity(cursor)
  return { ...order, ...change(order) }
}

describe('whatever is deleted, damaged, made anew, slow and opened again', () => {
  it('nothing of a topic is missing between where a reading began and what it gives, and the newest comes', () => {
    expect(holds()).toMatchObject({ failed: false })
  })

  it.each<[string, Variant]>([
    [
      'the time between two looks does not count',
      { open: changed((order) => ({ looking: (of) => order.looking(of, 0) })) },
    ],
    [
      'a look at any broker counts as one at that which leads',
      { open: changed((order) => ({ looking: (_, now) => order.looking(1, now) })) },
    ],
    [
      'it is not known where a reading began',
      { open: changed((order) => ({ fetched: (given) => beganAtZero(order.fetched(given)) })) },
    ],
    ['messages cannot be told apart', { textOf: (id) => `${id}.${'x'.repeat(16)}` }],
    ['what stands behind a gap was read from where the reading began', { open: changed(beganAtFirst) }],
  ])('control: something is missing when %s', (_, variant) => {
    expect(holds(variant)).toMatchObject({ failed: true })
  })
})
