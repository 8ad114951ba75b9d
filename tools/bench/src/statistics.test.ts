import { describe, expect, it } from 'vitest'
import { median, medianRatio, quantile } from './statistics.ts'
import { histogram } from './load/histogram.ts'

describe('the statistics of a report', () => {
  it('take the middle, or the mean of the two middle ones', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
  })

  it('compare round by round, so a slow round of the machine counts for both sides', () => {
    expect(medianRatio([80, 8, 82], [100, 10, 100])).toBe(0.8)
  })

  it('find a latency within 1 % in buckets', () => {
    const values = Array.from({ length: 10_000 }, () => Math.exp(Math.random() * 10 - 4))
    const latencies = histogram()
    for (const value of values) latencies.add(value)
    for (const share of [0.5, 0.9, 0.99]) {
      const ratio = latencies.quantile(share) / quantile(values, share)
      expect(Math.abs(ratio - 1)).toBeLessThan(0.015)
    }
    expect(histogram().quantile(0.5)).toBeNaN()
  })
})
