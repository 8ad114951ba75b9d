import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { createDebouncedWriter } from './debounced-writer.ts'

function made(afterMs: number, save: (value: number) => Promise<void> = async () => {}) {
  const saved: number[] = []
  const failed: unknown[] = []
  const kept = createDebouncedWriter<number>({
    afterMs,
    onError: (error) => failed.push(error),
    async save(value) {
      await save(value)
      saved.push(value)
    },
  })
  return { ...kept, saved, failed }
}

describe('a keeper', () => {
  it('writes the newest of those that come in a row, once', async () => {
    const { keep, saved } = made(20)
    for (let value = 1; value <= 50; value += 1) keep(value)
    await expect.poll(() => saved).toEqual([50])
    keep(51)
    await expect.poll(() => saved).toEqual([50, 51])
  })

  it('writes its value at once when it settles, and nothing without a value', async () => {
    const { keep, settle, saved } = made(60_000)
    await settle()
    expect(saved).toEqual([])
    keep(1)
    keep(2)
    await settle()
    expect(saved).toEqual([2])
    keep(3)
    await settle()
    expect(saved).toEqual([2, 3])
  })

  it('never writes two at a time, nor an older one after a newer', async () => {
    let busy = 0
    const { keep, settle, saved } = made(0, async () => {
      busy += 1
      expect(busy).toBe(1)
      await pause(5)
      busy -= 1
    })
    for (let value = 1; value <= 30; value += 1) {
      keep(value)
      await pause(2)
    }
    await settle()
    expect(saved).toEqual(saved.toSorted((one, other) => one - other))
    expect(saved.at(-1)).toBe(30)
  })

  it('goes on after a write that failed', async () => {
    const { keep, settle, saved, failed } = made(0, async (value) => {
      if (value === 1) throw new Error('disk')
    })
    keep(1)
    await settle()
    keep(2)
    await settle()
    expect(failed).toHaveLength(1)
    expect(saved).toEqual([2])
  })
})
