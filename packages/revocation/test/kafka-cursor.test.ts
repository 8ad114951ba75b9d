import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  cursorOf,
  fromCursor,
  isSameMessage,
  offsetOf,
  messageIdOf,
  type ReadRange,
  toCursor,
} from '../src/kafka/cursor.ts'
import { messageOf } from './topic-model.ts'

const anyOffset = fc.bigInt({ min: 0n, max: 9_223_372_036_854_775_807n })
const anyText = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('a b', '1 2 3', 'a\nb', ''))
const anyRead = fc
  .tuple(anyOffset, anyOffset, anyText)
  .map(([one, other, text]) => ({ began: one < other ? one : other, offset: one < other ? other : one, text }))

const placed = ({ began, offset, text }: { began: bigint; offset: bigint; text: string }): ReadRange => ({
  began,
  ...messageIdOf(messageOf(offset, text)),
})

/** Whether a cursor names what was read, whatever that was. */
const namesWhatWasRead = (read: typeof fromCursor) =>
  fc.check(
    fc.property(anyRead, (given) => {
      const place = placed(given)
      expect(read(toCursor(place))).toEqual(place)
    }),
  )

const inNumbers: typeof fromCursor = (cursor) => {
  const place = fromCursor(cursor)
  return place && { ...place, offset: BigInt(Number(place.offset)) }
}
const inOneLine: typeof fromCursor = (cursor) => fromCursor(cursor?.split('\n')[0])

describe('a cursor', () => {
  it('names the place that was read up to, and from where on', () => {
    expect(namesWhatWasRead(fromCursor)).toMatchObject({ failed: false })
  })

  it.each([
    ['whose offsets are numbers', inNumbers],
    ['that ends with its first line', inOneLine],
  ])('control: one %s names another', (_, read) => {
    expect(namesWhatWasRead(read)).toMatchObject({ failed: true })
  })

  it.each([
    '',
    'nonsense',
    '5 abc',
    '0 5',
    '-1 5 abc',
    '6 5 abc',
    '0 5e3 abc',
    '0  5 abc',
    `0 ${'9'.repeat(20)} abc`,
    '１ ２ a',
  ])('that is not ours names no place: %j', (cursor) => {
    expect(fromCursor(cursor)).toBeUndefined()
    expect(offsetOf(cursor)).toBeUndefined()
  })

  it('is read without an error whatever it is, and never begins behind its message', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20} \d{1,20} .*$/)), (cursor) => {
        const place = fromCursor(cursor)
        if (place !== undefined) expect(place.began <= place.offset).toBe(true)
        expect(offsetOf(cursor)).toBe(place?.offset)
      }),
    )
  })

  it('of what its writer knows is where that message is read, and begins with it', () => {
    fc.assert(
      fc.property(anyOffset, anyText, (offset, jws) => {
        const place = fromCursor(cursorOf({ offset, jws }))
        expect(place).toEqual({ began: offset, ...messageIdOf(messageOf(offset, jws)) })
        expect(offsetOf(cursorOf({ offset, jws }))).toBe(offset)
      }),
    )
  })
})

it('messages are the same where their offset and the end of their signature are', () => {
  const place = (offset: bigint, text: string) => messageIdOf(messageOf(offset, text))
  const signature = 'x'.repeat(16)
  expect(isSameMessage(place(5n, `a.b.${signature}`), place(5n, `a.c.${signature}`))).toBe(true)
  expect(isSameMessage(place(5n, `a.b.${signature}`), place(6n, `a.b.${signature}`))).toBe(false)
  expect(isSameMessage(place(5n, `a.b.${signature}`), place(5n, `a.b.${signature.slice(1)}y`))).toBe(false)
})
