import { setTimeout as pause } from 'node:timers/promises'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { controls, rounds } from '../../../rounds.ts'
import { type Acknowledged, halfDone, lost, newFolder, opened, startAppending } from './processes.ts'

const ROUNDS = rounds({ quick: 1, long: 40, soak: 200 })

/** Starts, kills in the middle, opens again: as often as told. Answers what was said to be acknowledged and is not there. */
async function killAgainAndAgain(rounds: number, acknowledge: 'after' | 'before') {
  const file = join(newFolder(), 'log.db')
  const said: Acknowledged[] = []
  const missing = new Set<string>()
  for (let round = 0; round < rounds; round += 1) {
    const appending = startAppending({ file, acknowledge, width: 1 + ((round * 7) % 32) })
    await appending.said('ack')
    await pause(Math.random() * 120)
    await appending.kill()
    said.push(...appending.acknowledged())
    const store = await opened(file)
    for (const stream of await lost(store, said)) missing.add(stream)
    expect(await halfDone(store)).toEqual([])
    await store.close()
  }
  return { said: said.length, missing: [...missing] }
}

describe('a process that is killed during commits', () => {
  it('has every acknowledged append in the log, complete, and no part of another', async () => {
    const { said, missing } = await killAgainAndAgain(ROUNDS, 'after')
    expect(said).toBeGreaterThanOrEqual(ROUNDS)
    expect(missing).toEqual([])
  })

  controls(() =>
    it('control: is detected when it acknowledges too early', async () => {
      const missing = []
      while (missing.length === 0) missing.push(...(await killAgainAndAgain(1, 'before')).missing)
    }),
  )

  it('leaves a log that can be opened when the last write is torn or garbage', async () => {
    const file = join(newFolder(), 'log.db')
    for (const tail of ['garbage', 'half a frame', 'zeroes'] as const) {
      const appending = startAppending({ file })
      await appending.said('ack')
      await pause(50)
      await appending.kill()
      const wal = readFileSync(`${file}-wal`)
      const torn = {
        garbage: Buffer.alloc(5000, 0xa5),
        'half a frame': wal.subarray(32, 2000),
        zeroes: Buffer.alloc(9000),
      }
      appendFileSync(`${file}-wal`, torn[tail])
      const store = await opened(file)
      expect(await lost(store, appending.acknowledged())).toEqual([])
      expect(await halfDone(store)).toEqual([])
      await store.close()
    }
  })
})
