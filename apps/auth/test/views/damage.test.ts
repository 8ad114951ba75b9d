import { readFileSync, statSync, writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openThreadedViews } from '../../src/compose/views.ts'
import { blind, newLog, WAIT_MS, write } from './files.ts'

const PAGE = 4096

/** Overwrites every page but the first, as it is on the disk. */
function damage(file: string): void {
  const database = new Database(file)
  database.pragma('wal_checkpoint(TRUNCATE)')
  database.close()
  writeFileSync(file, readFileSync(file).fill(0xa5, PAGE, statSync(file).size))
}

it('goes on by a new file when the one turns out to be damaged that the thread writes and queries read', async () => {
  const { logFile, viewsFile, store } = await newLog()
  const deaths: string[] = []
  const views = await openThreadedViews({
    viewsFile,
    source: { kind: 'sqlite', file: logFile },
    sealer: blind,
    onDeath: (error) => deaths.push(error.message),
  })
  onTestFinished(() => views.close())
  expect(await views.waitFor(await write(store, 'before', 300), WAIT_MS)).toBe(true)
  const before = views.audit.query({ limit: 1_000 }).entries.length
  damage(viewsFile)
  await write(store, 'meanwhile', 100)
  // Whoever comes upon it first says so: the thread that writes, or a query.
  await vi.waitFor(() => {
    try {
      views.audit.query({ limit: 1_000 })
    } catch {
      // as long as the damaged file is read
    }
    expect(deaths).toEqual([expect.stringContaining(`${viewsFile} is damaged`)])
  })
  await vi.waitUntil(() => views.health().every(({ state }) => state === 'live'))
  expect(await views.waitFor(await store.head(), WAIT_MS)).toBe(true)
  expect(views.audit.query({ limit: 1_000 }).entries.length).toBeGreaterThan(before)
})
