import fc from 'fast-check'
import { expect, it } from 'vitest'
import { BrokenFeed } from '../src/follower/index.ts'
import { type SnapshotChunk } from '../src/statement/index.ts'
import { snapshotCoverage } from '../src/follower/snapshot-coverage.ts'
import { knownPosition } from '../src/follower/known-position.ts'

const part = (index: number, change: Partial<SnapshotChunk> = {}): SnapshotChunk => ({
  kind: 'chunk',
  snapshot: 's',
  index,
  count: 3,
  through: '5',
  at: 9,
  ended: [],
  ...change,
})

it('a connection has everything unless a snapshot is incomplete', () => {
  const covered = snapshotCoverage()
  expect(covered.isWhole()).toBe(true)
  expect([0, 2, 2, 0].map((index) => covered.take(part(index)))).toEqual([false, false, false, false])
  expect(covered.isWhole()).toBe(false)
  expect(covered.take(part(1))).toBe(true)
  expect(covered.isWhole()).toBe(true)
})

it('a snapshot is complete once all its parts arrived, in any order and with repetitions', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 8 }), fc.array(fc.nat({ max: 7 }), { maxLength: 30 }), (count, order) => {
      const covered = snapshotCoverage()
      const seen = new Set<number>()
      for (const index of order.filter((each) => each < count)) {
        seen.add(index)
        expect(covered.take(part(index, { count }))).toBe(seen.size === count)
        expect(covered.isWhole()).toBe(seen.size === count)
      }
    }),
  )
})

it('a later snapshot replaces an incomplete one, and must be complete itself', () => {
  const covered = snapshotCoverage()
  covered.take(part(0))
  expect(covered.take(part(1, { snapshot: 't', count: 2 }))).toBe(false)
  expect(covered.take(part(0, { snapshot: 't', count: 2 }))).toBe(true)
})

it('parts of one snapshot that contradict each other break the feed', () => {
  const covered = snapshotCoverage()
  covered.take(part(0))
  for (const change of [{ count: 2 }, { through: '6' }, { at: 8 }])
    expect(() => covered.take(part(1, change))).toThrow(BrokenFeed)
})

it('a log whose end moved far back is another log; replicas that differ a little are not', () => {
  const known = knownPosition()
  expect(known.reached({ through: '7', at: 1_000 })).toBe(true)
  expect(known.reached({ through: '6', at: 31_000 })).toBe(true)
  expect(known.through).toBe('7')
  expect(known.reached({ through: '8', at: 40_000 })).toBe(true)
  expect(known.reached({ through: '2', at: 70_001 })).toBe(false)
  expect(known.through).toBeUndefined()
  // A topic is read from its beginning then, with the heartbeats of the other log, which must not begin it all again.
  expect(known.reached({ through: '8', at: 40_000 })).toBe(true)
  expect(known.reached({ through: '2', at: 70_001 })).toBe(true)
  expect(known.through).toBe('2')
})
