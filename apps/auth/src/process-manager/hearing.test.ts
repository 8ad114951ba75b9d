import { describe, expect, it } from 'vitest'
import { createHearing } from './hearing.ts'

describe('a subscription to the log', () => {
  it('is reported when it fails, once a minute while it lasts, and counted each time', () => {
    let now = 0
    const told: string[] = []
    const { failed, heard, state } = createHearing({
      nowMs: () => now,
      onUnheard: (why) => void told.push(`${now}: ${why}`),
    })
    for (; now < 150_000; now += 10_000) failed(new Error('no right'))
    expect(told).toEqual(['0: no right', '60000: no right', '120000: no right'])
    expect(state()).toEqual({ failures: 15, since: 0, why: 'no right' })
    heard()
    expect(state()).toEqual({ failures: 15, since: undefined, why: undefined })
  })
})
