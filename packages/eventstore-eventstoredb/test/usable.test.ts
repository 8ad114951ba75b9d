import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { CAUSES, makeDatabaseUser, openEventStoreDBEventStore, Unusable, whenUsable } from '../src/index.ts'
import { loopbackCertificate } from '../src/testing/certificate.ts'
import { openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'

const SECRET = 'a-password-nobody-should-read'
const PATIENT_MS = 30_000
let folder: string
let plain: ProtocolCluster
let secured: ProtocolCluster
let silent: Server
const file = (name: string) => join(folder, name)
const hostsOf = ({ nodes }: ProtocolCluster) => nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ledgate-'))
  plain = await openProtocolCluster()
  secured = await openProtocolCluster({
    nodes: 3,
    users: {
      admin: { password: SECRET, groups: ['$admins'] },
      nobody: { password: SECRET },
    },
  })
  silent = createServer(() => undefined).listen(0, '127.0.0.1')
  writeFileSync(file('ca.pem'), secured.cert ?? '')
  writeFileSync(file('other.pem'), loopbackCertificate().cert)
  await makeDatabaseUser({ url: by('reader'), administratorUrl: by('admin') })
})
afterAll(() => {
  plain.close()
  secured.close()
  silent.close()
  rmSync(folder, { recursive: true })
})
afterEach(() => [...plain.nodes, ...secured.nodes].forEach(({ faults }) => faults.clear()))

const by = (user: string, password = SECRET, ca = 'ca.pem') =>
  `esdb://${user}:${password}@${hostsOf(secured)}?tls=true&tlsCAFile=${file(ca)}&maxDiscoverAttempts=2`
const bySingle = (user: string, ca = 'ca.pem') =>
  `esdb://${user}:${SECRET}@127.0.0.1:${secured.nodes[0]?.port}?tls=true&tlsCAFile=${file(ca)}`

interface Starting {
  readonly patienceMs: number
  readonly attemptMs?: number
  onWaiting?(): unknown
}

/** How a start ends that waits for so long, and how often it said that it waits. */
async function start(url: string, { onWaiting, ...times }: Starting) {
  const waits: string[] = []
  const waiting = (why: string): void => {
    waits.push(why)
    onWaiting?.()
  }
  const work = async () => {
    const store = openEventStoreDBEventStore({ url })
    try {
      await store.readBarrier()
    } finally {
      await store.close()
    }
  }
  const outcome = await whenUsable({ url, ...times, onWaiting: waiting }, work).then(
    () => 'started',
    (error: unknown) => error,
  )
  return { outcome, waits }
}

describe('a start', () => {
  it('succeeds with a user without groups who may read the whole log', async () => {
    expect((await start(by('reader'), { patienceMs: 0 })).outcome).toBe('started')
  })

  const address = () => silent.address()
  const silentPort = () => {
    const at = address()
    return typeof at === 'object' && at !== null ? at.port : 0
  }

  it.each<readonly [string, () => string, keyof typeof CAUSES]>([
    ['a wrong password', () => by('reader', 'another'), 'wrongPassword'],
    ['a user that is not there', () => by('stranger'), 'wrongPassword'],
    ['no user', () => by('').replace(/\/\/.*@/, '//'), 'noUser'],
    ['a user without the right', () => by('nobody'), 'mayNotRead'],
    ['another certificate authority', () => bySingle('reader', 'other.pem'), 'otherAuthority'],
    ['another certificate authority of a cluster', () => by('reader', SECRET, 'other.pem'), 'otherAuthority'],
    ['no certificate authority', () => bySingle('reader').replace(/&tlsCAFile=[^&]*/, ''), 'otherAuthority'],
    ['plain against TLS', () => `esdb://127.0.0.1:${secured.nodes[0]?.port}?tls=false`, 'speaksTls'],
    ['plain against TLS of a cluster', () => `esdb://${hostsOf(secured)}?tls=false&maxDiscoverAttempts=2`, 'speaksTls'],
    ['TLS against plain', () => `esdb://reader:${SECRET}@${hostsOf(plain)}?tls=true`, 'speaksPlain'],
  ])('with %s ends at once, by a sentence that names the setting and no secret', async (_, url, cause) => {
    const { outcome, waits } = await start(url(), { patienceMs: PATIENT_MS })
    expect(outcome).toBeInstanceOf(Unusable)
    expect(outcome).toMatchObject({ message: CAUSES[cause] })
    expect(waits).toEqual([])
    expect(String((outcome as Error).stack) + String((outcome as Error).cause)).not.toContain(SECRET)
  })

  it.each<readonly [string, () => string, keyof typeof CAUSES]>([
    ['no server', () => 'esdb://127.0.0.1:1?tls=false', 'noServer'],
    ['no server of a cluster', () => 'esdb://127.0.0.1:1,127.0.0.1:2?tls=false&maxDiscoverAttempts=2', 'noServer'],
    ['a cluster to be discovered', () => 'esdb+discover://127.0.0.1:1?tls=false&maxDiscoverAttempts=2', 'noServer'],
    ['a server that is silent', () => `esdb://127.0.0.1:${silentPort()}?tls=false`, 'silent'],
  ])('with %s waits as long as it was told, then ends by a sentence', async (_, url, cause) => {
    const { outcome } = await start(url(), { patienceMs: 0, attemptMs: cause === 'silent' ? 100 : PATIENT_MS })
    expect(outcome).toMatchObject({ code: 'ERR_UNUSABLE_STORE', message: CAUSES[cause] })
  })

  it.each(['noLeader', 'notReady'] as const)(
    'waits while the server reports %s, then fails with the cause',
    async (kind) => {
      plain.nodes[0]?.faults.next('read', { kind })
      expect((await start(plain.url, { patienceMs: 0 })).outcome).toMatchObject({ message: CAUSES.noLeader })
    },
  )

  it('reports a follower whose leader is not reachable', async () => {
    plain.nodes[0]?.faults.next('read', { kind: 'notLeader' })
    expect((await start(plain.url, { patienceMs: 0 })).outcome).toMatchObject({ message: CAUSES.leaderAway })
  })

  it('reports a user who may not write', async () => {
    plain.nodes[0]?.faults.next('append', { kind: 'denied' })
    expect((await start(plain.url, { patienceMs: PATIENT_MS })).outcome).toMatchObject({ message: CAUSES.mayNotWrite })
  })

  it('waits for a server that starts later, and reports once why it waits', async () => {
    const late = await openProtocolCluster()
    const [node] = late.nodes
    node?.stop()
    const patient = { patienceMs: PATIENT_MS * 4, onWaiting: () => node?.start() }
    expect(await start(late.url, patient)).toEqual({ outcome: 'started', waits: [CAUSES.noServer] })
    late.close()
  })
})

describe('the user of a connection string', () => {
  it('is created once, and no other user loses the right to read', async () => {
    const make = (name: string, administrator = 'admin') =>
      makeDatabaseUser({ url: by(name), administratorUrl: by(administrator) })
    expect(await make('reader')).toEqual({ user: 'reader', isNew: false })
    expect(await Promise.all(['one', 'two'].map((name) => make(name)))).toMatchObject([
      { isNew: true },
      { isNew: true },
    ])
    for (const name of ['reader', 'one', 'two', 'admin'])
      expect((await start(by(name), { patienceMs: 0 })).outcome, name).toBe('started')
  })

  it('is not created by a user without rights, nor without a name', async () => {
    const others = makeDatabaseUser({ url: by('three'), administratorUrl: by('reader') })
    const denied = CAUSES.mayNotWrite.replace('_URL', '_ADMIN_URL')
    await expect(others).rejects.toMatchObject({ code: 'ERR_UNUSABLE_STORE', message: denied })
    const wrong = makeDatabaseUser({ url: by('three'), administratorUrl: by('admin', 'another') })
    await expect(wrong).rejects.toThrow(CAUSES.wrongPassword.replace('_URL', '_ADMIN_URL'))
    const none = makeDatabaseUser({ url: plain.url, administratorUrl: by('admin') })
    await expect(none).rejects.toThrow(/names no user/)
  })
})

it('every cause is documented in docs/operations.md', () => {
  const documented = readFileSync(join(import.meta.dirname, '../../../docs/operations.md'), 'utf8')
  for (const sentence of Object.values(CAUSES)) expect(documented).toContain(`| ${sentence} `)
})

describe('a running store', () => {
  it('reports that its server is gone, for any last call', async () => {
    const going = await openProtocolCluster()
    const store = openEventStoreDBEventStore({ url: going.url, attemptMs: 500 })
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    going.nodes[0]?.stop()
    await expect(store.readBarrier()).rejects.toThrow()
    await vi.waitFor(() => expect(store.health()).toEqual({ ok: false, reason: CAUSES.noServer }))
    await expect(store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })).rejects.toThrow()
    expect(store.health()).toEqual({ ok: false, reason: CAUSES.noServer })
    await store.close()
    going.close()
  })

  it('reports why it cannot be used, and recovers by itself', async () => {
    const store = openEventStoreDBEventStore({ url: plain.url })
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    plain.nodes[0]?.faults.next('read', { kind: 'denied' })
    await expect(store.head()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    expect(store.health()).toEqual({ ok: false, reason: CAUSES.mayNotRead })
    plain.nodes[0]?.faults.clear()
    await vi.waitUntil(() => store.health().ok)
    await store.close()
  })
})
