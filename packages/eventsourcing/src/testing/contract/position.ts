import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InvalidPosition } from '../../errors.ts'
import type { EventStore, ReadAllOptions } from '../../event-store.ts'
import { keptPosition, type Position, START } from '../../position.ts'
import type { ContractSubject } from './contract.ts'
import { allOf, sampleCategory, sampleEvents, sampleStream } from './sample.ts'

/** As a caller without types may pass it. */
const unchecked = (text: string) => text as Position

/** Texts that are not positions of any store. */
const NO_POSITIONS = [
  '',
  ' ',
  '0',
  '1',
  '-1',
  '1e3',
  '1n',
  '0x10',
  'NaN',
  'Infinity',
  'abc',
  'undefined',
  '9'.repeat(19),
  String(2n ** 63n),
  '0'.repeat(20),
  '٠'.repeat(19) + '١',
  `${'٠'.repeat(19)}١.${'٠'.repeat(19)}١`,
  `${'0'.repeat(20)}.${'0'.repeat(20)}`,
  `${'9'.repeat(20)}.${'9'.repeat(20)}`,
  `${'0'.repeat(19)}1.${'0'.repeat(19)}2`,
  `${'0'.repeat(19)}5.`,
  `.${'0'.repeat(19)}5`,
  '5.5',
  '0'.repeat(1_000_000),
]

/** Ways to change a valid position. */
const SPOILT: readonly ((position: string) => string)[] = [
  (position) => ` ${position}`,
  (position) => `${position}\n`,
  (position) => `+${position}`,
  (position) => `-${position}`,
  (position) => `0${position}`,
  (position) => `${position}0`,
  (position) => `${position}n`,
  (position) => `${position}.${position}.${position}`,
  (position) => `${position}\u0000`,
  (position) => position.slice(1),
  (position) => position.replace(/\d(?=\D*$)/, '٣'),
]

/** The calls that take a position. */
const WAYS: readonly (readonly [string, (store: EventStore, after: Position) => Promise<unknown>])[] = [
  ['reading the log', (store, after) => readAll(store, { after, max: 1 })],
  ['reading the log backwards', (store, after) => readAll(store, { after, direction: 'backwards', max: 1 })],
  ['reading the log with an aborted signal', (store, after) => readAll(store, { after, signal: AbortSignal.abort() })],
  ['subscribing', (store, after) => firstOf(store.subscribe({ after }))],
]

const readAll = (store: EventStore, options: ReadAllOptions) => allOf(store.readAll(options))

async function firstOf<Item>(items: AsyncIterable<Item>): Promise<Item | undefined> {
  for await (const item of items) return item
  return undefined
}

/** A position in the log is one that the store returned: no other text stands for the start, the end or another position. */
export function positionRules(subject: () => ContractSubject): void {
  const given = async () => {
    const { store } = subject()
    return (await store.append(sampleStream(), sampleEvents(2), { expected: 'noStream' })).position
  }

  test('a position can be sent as a text and parsed again', async () => {
    const { store } = subject()
    const position = await given()
    expect(store.parsePosition(JSON.parse(JSON.stringify(position)))).toBe(position)
    expect(keptPosition(store, position)).toBe(position)
    expect(keptPosition(store, '')).toBe(START)
  })

  test('other texts are not positions, and cannot be read from', async () => {
    const { store } = subject()
    await given()
    for (const text of NO_POSITIONS) {
      const what = text.slice(0, 50)
      expect(() => store.parsePosition(text), what).toThrow(InvalidPosition)
      if (text === START) continue
      for (const [way, go] of WAYS)
        await expect(go(store, unchecked(text)), `${way} after ${what}`).rejects.toThrow(InvalidPosition)
    }
  })

  test('a position with a changed character is refused', async () => {
    const { store } = subject()
    const position = await given()
    for (const spoil of SPOILT) {
      expect(() => store.parsePosition(spoil(position))).toThrow(InvalidPosition)
      for (const [, go] of WAYS) await expect(go(store, unchecked(spoil(position)))).rejects.toThrow(InvalidPosition)
    }
  })

  test('any text is either refused, or a position that can be read from in finite time', async () => {
    const { store, rounds } = subject()
    await given()
    const digits = fc.stringMatching(/^\d{1,21}(\.\d{1,21})?$/)
    const wide = fc.stringMatching(/^\d{20}(\.\d{20})?$/)
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.string(), digits, wide), async (text) => {
        try {
          const after = store.parsePosition(text)
          await readAll(store, { after, max: 3 })
          await readAll(store, { after, direction: 'backwards', max: 3 })
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidPosition)
        }
      }),
      { numRuns: rounds },
    )
  })

  describe('the order of positions', () => {
    test('is the order of the log when compared as texts', async () => {
      const { store } = subject()
      const category = sampleCategory()
      for (let turn = 0; turn < 12; turn += 1)
        await store.append(sampleStream(category), sampleEvents(1 + (turn % 3)), { expected: 'noStream' })
      const positions = (await readAll(store, { filter: { categories: [category] } })).map(({ position }) => position)
      expect([...positions].sort()).toEqual(positions)
      expect(new Set(positions).size).toBe(positions.length)
      expect(positions.every((position) => position > START)).toBe(true)
    })

    test('a read after a position beyond the end of the log returns nothing', async () => {
      const { store } = subject()
      const position = await given()
      const beyond = store.parsePosition(position.replace(/^\d{5}/, '00001'))
      expect(await readAll(store, { after: beyond })).toEqual([])
      // Backwards a store may start at the end, or return nothing.
      expect((await readAll(store, { after: beyond, direction: 'backwards', max: 2 })).length).toBeLessThanOrEqual(2)
    })
  })
}
