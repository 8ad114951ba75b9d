import { describe, expect, it } from 'vitest'
import { startChild } from '../src/process/child.ts'
import { isCaughtUp, isHeld } from '../src/revocations/messages.ts'
import { ALGS } from '../src/verifying/tokens.ts'

const start = (file: string, args: readonly string[]) =>
  startChild({ name: file, entry: new URL(`../src/revocations/${file}.ts`, import.meta.url), args })

describe('a process that holds revocations', () => {
  it('says what they take, and that they leave when they expire', async () => {
    await using child = await start('holding', ['50000'])
    const { entries, bytes, used, afterExpiry } = await child.ask({ kind: 'go' }, isHeld)
    expect(entries).toBe(50_000)
    expect(bytes).toBeGreaterThan(50_000 * 20)
    expect(used).toBeGreaterThan(bytes / 2)
    expect(afterExpiry.entries).toBe(0)
    expect(afterExpiry.used).toBeLessThan(used / 2)
  })
})

describe('a process that reads signed notices', () => {
  it.each(ALGS)('knows all of them each time, by %s', async (alg) => {
    await using child = await start('notice-reader', [alg, '600'])
    for (let time = 0; time < 2; time += 1) {
      const caughtUp = await child.ask({ kind: 'go' }, isCaughtUp)
      expect(caughtUp.entries).toBe(600)
      expect(caughtUp.elapsedMs).toBeGreaterThan(0)
    }
  })
})
