import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { digestTable, NO_EPOCH } from './digest-table.ts'

it('a digest of nothing but zeros is an entry like any other', () => {
  const table = digestTable()
  const zeros = new Int32Array(4)
  expect(table.epochOf(zeros, 0, 1)).toBe(NO_EPOCH)
  expect(table.put(zeros, 0, { until: 9, epoch: 0 }, 1)).toBe(true)
  expect(table.epochOf(zeros, 0, 1)).toBe(0)
  table.sweep(10)
  expect(table.epochOf(zeros, 0, 10)).toBe(NO_EPOCH)
  expect(table.size).toBe(0)
})

it('keeps apart digests that differ in any one word, however crowded their table is', () => {
  const word = fc.constantFrom(0, 1, 256, -1)
  const digest = fc.tuple(word, word, word, word)
  const step = fc.record({ digest, until: fc.nat({ max: 12 }), epoch: fc.nat({ max: 3 }), pass: fc.nat({ max: 3 }) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const table = digestTable()
      const known = new Map<string, { until: number; epoch: number }>()
      let now = 1
      for (const each of steps) {
        table.put(Int32Array.from(each.digest), 0, each, now)
        const key = each.digest.join()
        const before = known.get(key)
        if (each.until >= now) {
          const old = before !== undefined && before.until >= now ? before : { until: 0, epoch: 0 }
          known.set(key, { until: Math.max(each.until, old.until), epoch: Math.max(each.epoch, old.epoch) })
        }
        if (each.pass > 1) now += 1
        if (each.pass > 2) table.sweep(now)
      }
      for (const [key, { until, epoch }] of known)
        expect(table.epochOf(Int32Array.from(key.split(',').map(Number)), 0, now)).toBe(until >= now ? epoch : NO_EPOCH)
      table.sweep(now)
      expect(table.size).toBe([...known.values()].filter(({ until }) => until >= now).length)
    }),
    { numRuns: rounds({ quick: 50, long: 2_000 }) },
  )
})
