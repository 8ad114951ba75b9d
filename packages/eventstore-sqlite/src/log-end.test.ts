import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EventFilter, matchesFilter } from '@ledgate/eventsourcing'
import { rounds } from '../../../rounds.ts'
import { createLogEnd } from './log-end.ts'
import { positionOf, type Row } from './records.ts'

const STREAMS = ['user-1', 'user-2', 'client-1']
const TYPES = ['Begun', 'Ended']

/** An event of about so many bytes. */
const row = (position: number, stream: string, type: string, bytes: number): Row => [
  position,
  stream,
  position,
  `id-${position}`,
  type,
  JSON.stringify({ position, filling: 'x'.repeat(bytes) }),
  '{}',
  0,
]

const filters: readonly (EventFilter | undefined)[] = [
  undefined,
  {},
  { categories: ['user'] },
  { types: ['Ended'] },
  { categories: ['client'], types: ['Begun'] },
]

describe('the end of the log', () => {
  test('returns the same page as the whole log for any position in memory, and `undefined` for others', () => {
    const event = fc.tuple(fc.constantFrom(...STREAMS), fc.constantFrom(...TYPES), fc.constantFrom(10, 3_000, 200_000))
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 400 }),
        fc.nat(400),
        fc.constantFrom(...filters),
        (all, from, filter) => {
          const start = 7
          const rows = all.map(([stream, type, bytes], nth) => row(start + 1 + nth, stream, type, bytes))
          const end = createLogEnd(positionOf(start))
          for (let nth = 0; nth < rows.length; nth += 3) end.written(rows.slice(nth, nth + 3))
          const seen: string[] = []
          let place = positionOf(start + from)
          const first = end.page(place, filter)
          if (first === undefined) return
          for (let page = first; ; page = end.page(place, filter) ?? page) {
            seen.push(...page.events.map(({ id }) => id))
            place = page.through
            if (page.atEnd) break
          }
          const wanted = rows.filter(
            ([at, stream, , , type]) => at > start + from && matchesFilter(filter, { stream, type }),
          )
          expect(seen).toEqual(wanted.map(([, , , id]) => id))
          expect(Number(place)).toBe(Math.max(start + from, rows.at(-1)?.[0] ?? start))
        },
      ),
      { numRuns: rounds({ quick: 60, long: 2_000 }) },
    )
  })

  test('uses bounded memory, however much is written', () => {
    const end = createLogEnd(positionOf(0))
    for (let position = 1; position <= 20_000; position += 1) end.written([row(position, 'user-1', 'Begun', 500)])
    expect(end.page(positionOf(0), undefined)).toBeUndefined()
    expect(end.page(positionOf(19_000), undefined)).toBeUndefined()
    expect(end.page(positionOf(19_950), undefined)?.events).toHaveLength(50)
  })

  test('returns the same frozen events to all readers', () => {
    const end = createLogEnd(positionOf(0))
    end.written([row(1, 'user-1', 'Begun', 10)])
    const [one] = end.page(positionOf(0), undefined)?.events ?? []
    const [other] = end.page(positionOf(0), { types: ['Begun'] })?.events ?? []
    expect(one).toBe(other)
    expect(Object.isFrozen(one?.data)).toBe(true)
  })
})
