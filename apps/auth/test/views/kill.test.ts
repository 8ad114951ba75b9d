import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { expect, it, vi } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { digestsOf, newLog, write } from './files.ts'

const ROUNDS = rounds({ quick: 2, long: 40 })
/** Rounds after which chance is no excuse any more. */
const MOST_ROUNDS = 60
const EVENTS = rounds({ quick: 4_000, long: 12_000 })

/** The place in the log and the number of events that the file holds, read while nobody writes it. */
function held(viewsFile: string): { readonly position: string; readonly count: number } {
  const database = new Database(viewsFile, { fileMustExist: true })
  try {
    const position = database
      .prepare("SELECT position FROM projection_builds WHERE name = 'audit' AND served = 1")
      .pluck()
    const count = database.prepare('SELECT count(*) FROM audit').pluck()
    return { position: String(position.get()), count: Number(count.get()) }
  } finally {
    database.close()
  }
}

it('keeps rows and checkpoint together when the projector is killed at any moment, and ends with a rebuild’s rows', async () => {
  const { folder, logFile, viewsFile, store } = await newLog()
  const writing = write(store, 'killed', EVENTS)
  const entry = join(import.meta.dirname, 'projecting.ts')
  let partial = 0
  for (let round = 0; round < ROUNDS || (round < MOST_ROUNDS && partial < 2); round += 1) {
    const child = fork(entry, [logFile, viewsFile, String(1 + (round % 40) * 5)], {
      execArgv: ['--conditions=@ledgate/source'],
    })
    await once(child, 'message')
    // Killed while it works, not while it starts: it has kept more than the one before it, unless all is there.
    const before = held(viewsFile).count
    await vi.waitUntil(() => before === EVENTS || held(viewsFile).count > before, { interval: 5 })
    await pause(Math.random() * 40)
    const died = once(child, 'exit')
    child.kill('SIGKILL')
    await died
    const { position, count } = held(viewsFile)
    expect(Number(position)).toBe(count) // positions of this store count from 1 without a gap
    if (count > 0 && count < EVENTS) partial += 1
  }
  await writing
  expect(partial).toBeGreaterThan(1) // the control: it was killed on its way
  const digests = await digestsOf(viewsFile, store)
  expect(digests).toEqual(await digestsOf(join(folder, 'fresh.db'), store))
})
