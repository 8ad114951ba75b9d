import { randomBytes } from 'node:crypto'
import { START } from '@ledgate/eventsourcing'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { newReplicas, type Replicas, startProtocolServer } from '../src/replicas.ts'
import { spawnServer, startServer } from '../src/server.ts'

/** A store that no start has reached. */
let untouched: Replicas
beforeAll(async () => {
  untouched = await newReplicas(1)
})

/** How a server ends that cannot start, and what it says. */
async function refusal(environment: Readonly<Record<string, string>>) {
  const [installation] = untouched.all
  if (installation === undefined) throw new Error('there is one')
  const server = spawnServer(installation, { environment: { LEDGATE_EVENTSTOREDB_WAIT: '0', ...environment } })
  const code = await server.ended
  return { code, output: server.output(), events: await untouched.events() }
}

const SECRET = 'a-password-nobody-should-read'

it.each<readonly [string, Record<string, string>, RegExp]>([
  [
    'a connection string with an option wrong',
    { LEDGATE_EVENTSTOREDB_URL: `esdb://ops:${SECRET}@localhost:2113?tls=true&tlsCAFile=/nowhere/ca.crt` },
    /LEDGATE_EVENTSTOREDB_URL is not a connection string of EventStoreDB: .*certificate/,
  ],
  [
    'an option that does away with TLS',
    { LEDGATE_EVENTSTOREDB_URL: `esdb://ops:${SECRET}@localhost:2113?tls=true&tlsVerifyCert=false` },
    /LEDGATE_EVENTSTOREDB_URL is not a connection string of EventStoreDB: .*tlsVerifyCert/,
  ],
  [
    'an option that there is not',
    { LEDGATE_EVENTSTOREDB_URL: `esdb://ops:${SECRET}@localhost:2113?tls=true&tlsCaFiel=x` },
    /LEDGATE_EVENTSTOREDB_URL is not a connection string of EventStoreDB: .*tlsCaFiel/,
  ],
  [
    'an address where nobody listens',
    { LEDGATE_EVENTSTOREDB_URL: `esdb://ops:${SECRET}@127.0.0.1:1?tls=false` },
    /no server can be reached at LEDGATE_EVENTSTOREDB_URL/,
  ],
  [
    'a cluster of which no node answers',
    { LEDGATE_EVENTSTOREDB_URL: `esdb://ops:${SECRET}@127.0.0.1:1,127.0.0.1:2?tls=false&maxDiscoverAttempts=2` },
    /no server can be reached at LEDGATE_EVENTSTOREDB_URL/,
  ],
])('refuses to start with %s, names the setting and repeats no password', async (_, environment, message) => {
  const { code, output, events } = await refusal(environment)
  expect(code).toBe(1)
  expect(output).toMatch(message)
  expect(output).not.toContain(SECRET)
  expect(events).toEqual([])
})

it('refuses a server that is older than the least version, by name, and writes nothing there', async () => {
  const url = await startProtocolServer(['--version=23.10.1'])
  const { code, output } = await refusal({ LEDGATE_EVENTSTOREDB_URL: url })
  expect(code).toBe(1)
  expect(output).toMatch(/LEDGATE_EVENTSTOREDB_URL .* is EventStoreDB 23\.10\.1, 24\.2\.0 or newer is needed/)
  const old = openEventStoreDBEventStore({ url })
  onTestFinished(() => old.close())
  expect(await old.head()).toBe(START)
})

it('refuses a vault without its key, and the store of another installation, and writes nothing there', async () => {
  const { all, events } = await newReplicas(2)
  const [first, second] = all
  if (first === undefined || second === undefined) throw new Error('there are two')
  await (await startServer(first)).stop()
  const before = (await events()).length

  const stranger = spawnServer(second, { environment: { LEDGATE_MASTER_KEY: randomBytes(32).toString('base64url') } })
  expect(await stranger.ended).toBe(1)
  expect(stranger.output()).toMatch(/LEDGATE_MASTER_KEY is not the key of the vault/)

  const other = spawnServer(second, { environment: { LEDGATE_ISSUER: 'https://other.example' } })
  expect(await other.ended).toBe(1)
  expect(other.output()).toMatch(/LEDGATE_EVENTSTOREDB_URL leads to the store of another installation/)

  const crowded = await startServer(first)
  const twice = spawnServer(second, { environment: { LEDGATE_DATA_DIR: first.dataDir } })
  expect(await twice.ended).toBe(1)
  expect(twice.output()).toMatch(/open for writing in another process/)
  await crowded.stop()
  expect((await events()).length).toBe(before)
})

it('starts on a cluster of which one address of two is wrong', async () => {
  const url = await startProtocolServer()
  const address = /\/\/([^?]+)/.exec(url)?.[1]
  const { all } = await newReplicas(1)
  const [installation] = all
  if (installation === undefined) throw new Error('there is one')
  const environment = { LEDGATE_EVENTSTOREDB_URL: `esdb://127.0.0.1:1,${address}?tls=false` }
  const server = await startServer(installation, { environment })
  expect((await server.signIn()).status).toBe(200)
  expect(await server.stop()).toBe(0)
})
