import { expect, it } from 'vitest'
import { readThroughPause } from './read-through-pause.ts'

it('reads a small topic through each minute, and a large one in a fortieth of the time or every ten minutes', () => {
  const pauses = [0, 1_000, 3_000, 15_000, 3_600_000, -50_000].map((took) => readThroughPause(took, 60_000))
  expect(pauses).toEqual([60_000, 60_000, 120_000, 600_000, 600_000, 60_000])
})
