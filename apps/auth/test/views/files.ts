import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, type Position, START } from '@ledgate/eventsourcing'
import { openSqliteEventStore } from '@ledgate/eventstore-sqlite'
import { onTestFinished } from 'vitest'
import { openLocalViews } from '../../src/compose/views.ts'
import { generateHistory, toNewEvent } from '../../src/testing/history.ts'
import { projections } from '../../src/views/index.ts'

export const WAIT_MS = 50_000

const AT_ONCE = 10

/** Shows nothing: for views whose users no one looks at. */
export const blind = { unseal: async () => 'unsealed' }

/** A durable log in a folder of its own. */
export async function newLog() {
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-views-'))
  const logFile = join(folder, 'log.db')
  const store = await openSqliteEventStore({ file: logFile })
  onTestFinished(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, logFile, store, viewsFile: join(folder, 'views.db') }
}

/** Appends events of a made-up world, a few at once; answers the position of the last one. */
export async function write(store: EventStore, world: string, count: number): Promise<Position> {
  const made = generateHistory(world)
  let last = START
  for (let n = 0; n < count;) {
    const appends = []
    for (const end = Math.min(count, n + AT_ONCE); n < end; n += 1) {
      const step = made.next({ what: (n * 7919 + 13) % 800, user: n % 17, client: n % 5, which: n % 29 })
      const event = toNewEvent(step, `${world}-${n}`)
      appends.push(store.append(`${step.stream}-${world}`, [event], { expected: 'any' }))
    }
    for (const { position } of await Promise.all(appends)) if (position > last) last = position
  }
  return last
}

/** The digests of all views in a file, once they are where the log is. */
export async function digestsOf(viewsFile: string, store: EventStore): Promise<Record<string, unknown>> {
  const views = await openLocalViews({ viewsFile, store, sealer: blind })
  try {
    if (!(await views.waitFor(await store.head(), WAIT_MS))) throw new Error(JSON.stringify(views.health()))
    const digests = projections.map(async ({ name }) => [name, await views.projector.digest(name)] as const)
    return Object.fromEntries(await Promise.all(digests))
  } finally {
    await views.close()
  }
}
