import { expect, it } from 'vitest'
import { isInSyncEnough, leastInSync } from './topic.ts'

it.each([
  [1, [1]],
  [2, [1, 2]],
  [3, [2, 3]],
  [5, [2, 3, 4, 5]],
])('of %i replicas, %j in sync keep what was answered and can be had', (replicas, fit) => {
  const counts = [0, 1, 2, 3, 4, 5, 6]
  expect(counts.filter((inSync) => isInSyncEnough(inSync, replicas))).toEqual(fit)
  expect(leastInSync(replicas)).toBe(fit[0])
  expect(isInSyncEnough(Number.NaN, replicas)).toBe(false)
})
