import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventReader, inMemoryEventStore, type Projection } from '@ledgate/eventsourcing'
import { openProjector } from '@ledgate/projection-sqlite'
import { inMemorySealer } from '@ledgate/vault/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import { openLocalViews } from '../../src/compose/views.ts'
import { decode, type DomainRecord } from '../../src/catalogue/definitions.ts'
import { generateHistory, toNewEvent } from '../../src/testing/history.ts'

const TIMEOUT_MS = 30_000

/** The tables of `users` and `grants` in version 1, each with one row once there is an event. */
const before: readonly Projection<DomainRecord>[] = [
  {
    name: 'users',
    version: 1,
    categories: ['user', 'email'],
    schema: (
      table,
    ) => `CREATE TABLE ${table('users')} (sub TEXT PRIMARY KEY, reservation_id TEXT, epoch INTEGER NOT NULL,
      disabled INTEGER NOT NULL, erased INTEGER NOT NULL, email TEXT NOT NULL, email_verified INTEGER NOT NULL, name TEXT,
      roles TEXT NOT NULL, entitlements TEXT NOT NULL, registered_at INTEGER NOT NULL, password_set_at INTEGER NOT NULL) STRICT`,
    prepare(database, table) {
      const put = database.prepare(`INSERT OR REPLACE INTO ${table('users')}
        VALUES ('u_old', NULL, 0, 0, 0, ?, 1, NULL, '["before"]', '[]', 1, 1)`)
      return { on: { UserRegistered: ({ data }) => void put.run(data.user.email) } }
    },
  },
  {
    name: 'grants',
    version: 1,
    categories: ['grant'],
    schema: (
      table,
    ) => `CREATE TABLE ${table('grants')} (gid TEXT PRIMARY KEY, sub TEXT NOT NULL, client_id TEXT NOT NULL,
      sid TEXT NOT NULL, grant_type TEXT NOT NULL, scope TEXT NOT NULL, aud TEXT NOT NULL, user_epoch INTEGER NOT NULL,
      client_epoch INTEGER NOT NULL, opened_at INTEGER NOT NULL, refreshed_at INTEGER, idle_expires_at INTEGER,
      expires_at INTEGER, ends_at INTEGER NOT NULL) STRICT`,
    prepare(database, table) {
      const put = database.prepare(`INSERT OR REPLACE INTO ${table('grants')}
        VALUES ('g_old', 'u_old', 'app', 's', 'password', '["a"]', '[]', 0, 0, 1, NULL, NULL, 9, 9)`)
      return { on: { GrantOpened: () => void put.run() } }
    },
  },
]

it('queries read the tables of the version before until those of today are built', async () => {
  const store = inMemoryEventStore()
  const made = generateHistory()
  for (let n = 0; n < 400; n += 1) {
    const step = made.next({ what: (n * 7919) % 800, user: n % 5, client: n % 3, which: n % 13 })
    await store.append(step.stream, [toNewEvent(step, n + 1)], { expected: 'any' })
  }
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-version-before-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'views.db')
  const old = await openProjector({
    file,
    reader: store,
    projections: before,
    decode: (each) => decode(each) as DomainRecord,
  })
  expect(await old.waitFor(await store.head(), { timeoutMs: TIMEOUT_MS })).toBe(true)
  await old.close()

  const { promise: isWanted, resolve: build } = Promise.withResolvers<void>()
  const held: EventReader = {
    ...store,
    async *readAll(options) {
      if ((options?.max ?? Infinity) > 2) await isWanted // not the look at both ends that the start takes
      yield* store.readAll(options)
    },
    async *subscribe(options) {
      await isWanted
      yield* store.subscribe(options)
    },
  }
  const views = await openLocalViews({ viewsFile: file, store: held, sealer: inMemorySealer() })
  onTestFinished(() => views.close())
  expect(await views.users.list()).toMatchObject([{ sub: 'u_old', roles: ['before'] }])
  expect(views.grants.ofUser('u_old')).toMatchObject([{ gid: 'g_old', client_id: 'app', expires_at: 9 }])

  build()
  const isBuilt = () => views.health().every(({ serving, version }) => serving.version === version)
  await vi.waitUntil(isBuilt, { timeout: TIMEOUT_MS })
  expect(await views.users.bySub('u_old')).toBeUndefined()
  expect(views.grants.ofUser('u_old')).toEqual([])
})
