import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { startReadBack } from './read-back.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Gives one message each time, so many milliseconds apart, and then nothing. */
async function* slowly(count: number, everyMs: number) {
  for (let nth = 0; nth < count; nth += 1) {
    await new Promise((resolve) => setTimeout(resolve, everyMs))
    yield [{ cursor: `${nth}` }]
  }
  await new Promise(() => {})
}

describe('reading back', () => {
  it('takes as long as it has to, while messages come', async () => {
    const seen = startReadBack(slowly(10, 6_000), new AbortController().signal).saw('9')
    await vi.advanceTimersByTimeAsync(60_000)
    await expect(seen).resolves.toBeUndefined()
  })

  it('gives up when no more messages arrive', async () => {
    const seen = startReadBack(slowly(3, 6_000), new AbortController().signal).saw('9')
    const refused = expect(seen).rejects.toThrow('could not be read back')
    await vi.advanceTimersByTimeAsync(18_000 + 10_001)
    await refused
  })
})
