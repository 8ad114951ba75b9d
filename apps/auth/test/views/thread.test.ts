import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { connectProjector } from '@ledgate/projection-sqlite'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openThreadedViews } from '../../src/compose/views.ts'
import { blind, digestsOf, newLog, WAIT_MS, write } from './files.ts'

it('skips nothing that eight writers append while the thread projects, and shows what was waited for', async () => {
  const { folder, logFile, viewsFile, store } = await newLog()
  const views = await openThreadedViews({ viewsFile, source: { kind: 'sqlite', file: logFile }, sealer: blind })
  const writers = Array.from({ length: 8 }, async (_, writer) => {
    for (let round = 0; round < 10; round += 1) {
      const position = await write(store, `w${writer}-${round}`, 50)
      expect(await views.waitFor(position, WAIT_MS)).toBe(true)
      const { entries } = views.audit.query({ limit: 1_000 })
      expect(entries.some((entry) => entry.position === position)).toBe(true)
    }
  })
  await Promise.all(writers)
  expect(await views.waitFor(await store.head(), WAIT_MS)).toBe(true)
  const live = await views.projector.digest('audit')
  await views.projector.rebuild('audit')
  expect(await views.projector.digest('audit')).toEqual(live)
  await views.projector.checkpoints.save('mail', live.position)
  expect(await views.projector.checkpoints.load('mail')).toBe(live.position)
  await vi.waitUntil(() => views.health().every(({ state }) => state === 'live'), WAIT_MS)
  await views.close()
  expect(await digestsOf(viewsFile, store)).toEqual(await digestsOf(join(folder, 'fresh.db'), store))
})

it('starts the thread again when it died; meanwhile nothing waits for it', async () => {
  const { logFile, viewsFile, store } = await newLog()
  const threads: Worker[] = []
  const deaths: string[] = []
  const entry = new URL('../../src/compose/projector.ts', import.meta.url)
  const projector = await connectProjector({
    start() {
      const thread = new Worker(entry, { workerData: { source: { kind: 'sqlite', file: logFile }, viewsFile } })
      threads.push(thread)
      return thread
    },
    onDeath: (error) => deaths.push(error.message),
  })
  onTestFinished(() => projector.close())
  expect(await projector.waitFor(await write(store, 'before', 100), { timeoutMs: WAIT_MS })).toBe(true)
  const unreachable = projector.waitFor('9'.repeat(20) as never, { timeoutMs: WAIT_MS })
  await threads[0]?.terminate()
  expect(await unreachable).toBe(false)
  expect(projector.health()[0]?.state).toBe('failing')
  expect(deaths).toHaveLength(1)
  const last = await write(store, 'after', 100)
  await vi.waitUntil(() => threads.length === 2 && projector.health()[0]?.state === 'live', WAIT_MS)
  expect(await projector.waitFor(last, { timeoutMs: WAIT_MS })).toBe(true)
})

it('says once, from the thread, that a view stopped at an event it cannot read', async () => {
  const { logFile, viewsFile, store } = await newLog()
  const troubles: unknown[] = []
  const onTrouble = (health: unknown) => troubles.push(health)
  const views = await openThreadedViews({
    viewsFile,
    source: { kind: 'sqlite', file: logFile },
    sealer: blind,
    onTrouble,
  })
  onTestFinished(() => views.close())
  const broken = { id: '6e1c9b0e-5d0f-5c2a-b1f7-a3d84e25c769', type: 'GrantOpened', data: {}, metadata: { schema: 1 } }
  const { position } = await store.append('grant-x', [broken], { expected: 'noStream' })
  const last = await write(store, 'after', 50)
  expect(await views.waitFor(last, WAIT_MS, ['users', 'clients'])).toBe(true)
  expect(await views.waitFor(last, WAIT_MS)).toBe(false)
  await vi.waitUntil(() => troubles.length > 0, WAIT_MS)
  expect(troubles).toMatchObject([{ name: 'grants', state: 'stopped', poison: { position, type: 'GrantOpened' } }])
})
