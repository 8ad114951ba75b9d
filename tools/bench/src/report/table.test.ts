import { describe, expect, it } from 'vitest'
import { countErrors, type Row } from './row.ts'
import { table } from './table.ts'

const row: Row = {
  scenario: 'x',
  what: 'ours',
  inFlight: 64,
  value: 9876.5,
  unit: 'tokens/s',
  p50: 1.234,
  p99: 12.34,
  errors: { 503: 2, broken: 1 },
  beside: [
    { peer: 'limit', ratio: 0.805 },
    { peer: 'peer', ratio: Number.NaN },
  ],
  aims: [{ text: 'at least 90 %', isReached: false }],
}

describe('the table', () => {
  it('shows the figure, its ratios, what it missed and what went wrong', () => {
    const text = table([row])
    for (const part of [
      '9,877',
      '1.23',
      '12.3',
      '2x503 1xbroken',
      '80.5 % of limit',
      '- of peer',
      'MISSED',
      'at least 90 %',
    ]) {
      expect(text).toContain(part)
    }
  })

  it('counts every error of a run', () => {
    expect(countErrors([row, row])).toBe(6)
  })
})
