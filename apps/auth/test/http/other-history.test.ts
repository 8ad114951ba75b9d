import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openProtocolCluster, type ProtocolCluster } from '@ledgate/eventstore-eventstoredb/testing'
import SqliteDatabase from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { compose } from '../../src/compose.ts'
import { readConfig } from '../../src/config/index.ts'
import { createLogger } from '../../src/http/index.ts'
import { BOOTSTRAP, ISSUER } from './service.ts'

/** The bytes of a record of the protocol server: a little behind one of them nothing begins. */
const BESIDE = 64n

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ledgate-history-'))
  writeFileSync(join(folder, 'bootstrap.json'), JSON.stringify(BOOTSTRAP))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** A server over a data folder that may be of another database, and what it says. */
async function start(name: string, environment: Readonly<Record<string, string>>) {
  const said: Record<string, unknown>[] = []
  const lines = { write: (line: string) => void said.push(JSON.parse(line)) }
  const config = readConfig({
    LEDGATE_ISSUER: ISSUER,
    LEDGATE_DATA_DIR: join(folder, name),
    LEDGATE_BOOTSTRAP: join(folder, 'bootstrap.json'),
    LEDGATE_RATE_LIMITS: 'off',
    ...environment,
  })
  const ledgate = await compose(config, createLogger({ level: 'warn' }, lines))
  const mails = async (email: string): Promise<readonly { subject: string }[]> => {
    const url = `/dev/mail?to=${encodeURIComponent(email)}`
    return (await ledgate.app.inject({ url, headers: { accept: 'application/json' } })).json()
  }
  const metric = async (name: string) => {
    const { payload } = await ledgate.app.inject('/metrics')
    return payload.split('\n').find((line) => line.startsWith(name))
  }
  return {
    said,
    /** Somebody registers; their mail has to leave. */
    async register(email: string) {
      await ledgate.app.inject({ method: 'POST', url: '/accounts', payload: { email, password: 'a harbour at dusk' } })
      await vi.waitFor(async () => expect((await mails(email)).length).toBeGreaterThan(0))
    },
    ready: async () => (await ledgate.app.inject('/readyz')).json(),
    metric,
    close: () => ledgate.close(),
  }
}

const clustered = (cluster: ProtocolCluster) => ({
  LEDGATE_EVENTSTOREDB_URL: cluster.url,
  LEDGATE_MASTER_KEY: Buffer.alloc(32, 5).toString('base64url'),
})

/** Moves every place that a file of views has to one where no record begins. */
function misplace(name: string): void {
  const database = new SqliteDatabase(join(folder, name, 'views.db'))
  const beside = (place: string) =>
    place
      .split('.')
      .map((part) => String(BigInt(part) + BESIDE).padStart(20, '0'))
      .join('.')
  database.function('beside', (place) => (/^\d{20}\.\d{20}$/.test(String(place)) ? beside(String(place)) : place))
  database.exec('UPDATE projection_builds SET position = beside(position), before = beside(before)')
  database.exec('UPDATE places SET place = beside(place), position = beside(position), before = beside(before)')
  database.close()
}

const ANOTHER = /of another history of the log/

describe('a data folder of another database', () => {
  it.each<readonly [string, number, boolean]>([
    ['that has come farther', 0, false],
    ['that has other events where this one has its own', 2, false],
    ['whose places are none of this one', 2, true],
  ])('%s is built anew, every process begins at the start, and the log says so', async (name, older, isMisplaced) => {
    const [before, now] = [await openProtocolCluster(), await openProtocolCluster()]
    const first = await start(name, clustered(before))
    await first.register('before@example.com')
    await first.close()
    if (isMisplaced) misplace(name)
    if (older > 0) {
      const other = await start(`${name} of now`, clustered(now))
      for (let count = 0; count < older; count += 1) await other.register(`now${count}@example.com`)
      await other.close()
    }
    const second = await start(name, clustered(now))
    await second.register('after@example.com')
    const discarded = second.said.flatMap(({ msg }) => (ANOTHER.test(String(msg)) ? String(msg) : []))
    for (const wanted of ['the view "users"', 'the view "revocations"', '"registration"', '"mail"'])
      expect(
        discarded.some((line) => line.includes(wanted)),
        `${wanted} of ${discarded.join('; ')}`,
      ).toBe(true)
    await vi.waitFor(async () => expect(await second.ready()).toEqual({ status: 'ready' }))
    await second.close()
    before.close()
    now.close()
  })

  it('is rebuilt in a folder of SQLite, too', async () => {
    const name = 'sqlite'
    const first = await start(name, {})
    await first.register('before@example.com')
    await first.close()
    for (const file of ['events.db', 'events.db-wal', 'events.db-shm'])
      rmSync(join(folder, name, file), { force: true })
    const second = await start(name, {})
    await second.register('after@example.com')
    expect(second.said.filter(({ msg }) => ANOTHER.test(String(msg))).length).toBeGreaterThan(2)
    await second.close()
  })
})

describe('a server whose subscriptions fail', () => {
  it('says so in its log, in a metric and in readiness, and no more when they go on', async () => {
    const cluster = await openProtocolCluster()
    const server = await start('failing', clustered(cluster))
    const [node] = cluster.nodes
    node?.faults.next('subscribe', { kind: 'denied' })
    await node?.cut()
    const failed = () => server.said.filter(({ msg }) => /^a subscription to the log failed/.test(String(msg)))
    await vi.waitFor(() =>
      expect(new Set(failed().map(({ subscription }) => subscription))).toEqual(
        new Set(['views', 'registration', 'mail', 'feed']),
      ),
    )
    await vi.waitFor(async () => {
      const { details } = await server.ready()
      expect(details['subscription of views']).toMatch(/may not read the whole log/)
    })
    expect(
      Number((await server.metric('ledgate_subscription_failures_total{subscription="feed"}'))?.split(' ')[1]),
    ).toBeGreaterThan(1)
    expect(failed().filter(({ subscription }) => subscription === 'views').length).toBeLessThan(3)
    node?.faults.clear()
    await vi.waitFor(async () => expect(await server.ready()).toEqual({ status: 'ready' }))
    await server.close()
    cluster.close()
  })
})
