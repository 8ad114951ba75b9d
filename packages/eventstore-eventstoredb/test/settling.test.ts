import { type ExpectedRevision, StreamNotFound } from '@ledgate/eventsourcing'
import { idsOf, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { append, asideEvent } from '../src/append.ts'
import type { AppendRequest } from '../src/append-call.ts'
import { openConnection } from '../src/connection.ts'
import { openEventStoreDBEventStore, openEventStoreDBLease, openEventStoreDBVault } from '../src/index.ts'
import { look } from '../src/settling.ts'
import {
  type Method,
  openProtocolCluster,
  type ProtocolCluster,
  type ProtocolClusterOptions,
  type Refusal,
} from '../src/testing/index.ts'
import fc from 'fast-check'
import { rounds } from '../../../rounds.ts'

/** The server gives no append up while a test runs. */
const NEVER_MS = 3_600_000
/** For a try of the adapter that is to be answered. */
const PATIENT_MS = 20_000
const SETTLE_MS = 20

async function openCluster(options: ProtocolClusterOptions = {}): Promise<ProtocolCluster> {
  const cluster = await openProtocolCluster({ limits: { commitTimeoutMs: NEVER_MS }, ...options })
  onTestFinished(() => cluster.close())
  return cluster
}

function openStore(url: string, attemptMs = PATIENT_MS) {
  const store = openEventStoreDBEventStore({ url, attemptMs, settleMs: SETTLE_MS })
  onTestFinished(() => store.close())
  return store
}

/** Counts the calls that a cluster is asked for. */
function counting(cluster: ProtocolCluster): (method: Method) => number {
  const calls: Method[] = []
  for (const { faults } of cluster.nodes) faults.decide((method) => void calls.push(method))
  return (method) => calls.filter((each) => each === method).length
}

const lag = (cluster: ProtocolCluster, lags: boolean): void =>
  cluster.nodes.forEach((node, index) => index !== cluster.leader && node.lag(lags))

describe('a repetition of an append that no majority has yet', () => {
  test.each([1, 3])(
    'is answered with the first: 64 concurrent copies succeed, on %i nodes with a long time limit',
    async (nodes) => {
      const cluster = await openCluster({ nodes, commitMs: 2 })
      const store = openStore(cluster.url)
      await store.append(sampleStream(), sampleEvents(1), { expected: 'any' })
      const expectations: readonly ExpectedRevision[] = ['noStream', 'any', 'exists', 2n]
      for (const expected of expectations) {
        const stream = sampleStream()
        if (expected !== 'noStream') await store.append(stream, sampleEvents(3), { expected: 'noStream' })
        const calls = counting(cluster)
        const events = sampleEvents(2)
        const copies = Array.from({ length: 64 }, () => store.append(stream, events, { expected }))
        const answers = await Promise.all(copies)
        expect(calls('append')).toBeLessThanOrEqual(64)
        expect(new Set(answers.map(({ position }) => position)).size).toBe(1)
        expect(idsOf(await store.read(stream)).slice(-2)).toEqual(idsOf(events))
      }
    },
  )

  test('waits until a majority has it, and does not replace the client meanwhile', async () => {
    const cluster = await openCluster({ nodes: 3 })
    const [store, other] = [openStore(cluster.url), openStore(cluster.url)]
    const stream = sampleStream()
    await other.append(stream, sampleEvents(1), { expected: 'noStream' })
    await store.head()
    const calls = counting(cluster)
    lag(cluster, true)
    const events = sampleEvents(3)
    let answered = 0
    const both = [store, other].map((each) =>
      each.append(stream, events, { expected: 0n }).then((result) => {
        answered += 1
        return result
      }),
    )
    await vi.waitFor(() => expect([calls('append'), calls('read') > 6]).toEqual([2, true]))
    expect(answered).toBe(0)
    lag(cluster, false)
    const [first, second] = await Promise.all(both)
    expect(second).toEqual(first)
    expect(first).toMatchObject({ revision: 3n })
    expect(calls('append')).toBe(2)
    expect(idsOf(await store.read(stream, { from: 1n }))).toEqual(idsOf(events))
  })
})

describe('an append without an answer', () => {
  test('is repeated by the same client as long as its node answers reads, and is not reported as written', async () => {
    const cluster = await openCluster()
    const connection = openConnection({ url: cluster.url, attemptMs: 500, settleMs: SETTLE_MS })
    onTestFinished(() => connection.close())
    const [client, calls] = [connection.client(), counting(cluster)]
    const appendTo = (stream: string) => append(connection, { stream, events: sampleEvents(2), expected: 'noStream' })
    await appendTo(sampleStream())
    cluster.nodes[0]?.faults.next('append', { kind: 'silent' }, 2)
    expect(await appendTo(sampleStream())).toMatchObject({ revision: 1n })
    expect(connection.client() === client).toBe(true)
    expect(calls('append')).toBe(2)

    cluster.nodes[0]?.faults.next('append', { kind: 'silent' })
    const stream = sampleStream()
    await expect(appendTo(stream)).rejects.toMatchObject({ code: 'ERR_UNKNOWN_OUTCOME' })
    expect(cluster.log.stream(stream)).toBeUndefined()
    // One that commits nothing in all that time may be no leader any more: the cluster is asked who is.
    expect(connection.client() === client).toBe(false)
  })

  test('that was written is found in its stream without another append', async () => {
    const cluster = await openCluster({ nodes: 3 })
    const store = openStore(cluster.url)
    const events = sampleEvents(2)
    const stream = sampleStream()
    await store.append(sampleStream(), sampleEvents(1), { expected: 'any' })
    cluster.nodes.forEach(({ faults }) => faults.next('append', { kind: 'lost' }, 1))
    const result = await store.append(stream, events, { expected: 'noStream' })
    const [, last] = await store.read(stream)
    expect(result).toEqual({ revision: 1n, position: last?.position })
  })

  test('is settled by the first result, even while a search hangs', async () => {
    const cluster = await openCluster()
    const store = openStore(cluster.url)
    await store.append(sampleStream(), sampleEvents(1), { expected: 'any' })
    const calls: Method[] = []
    let release: (() => void) | undefined
    cluster.nodes[0]?.faults.decide((method) => {
      calls.push(method)
      if (method === 'read') release?.()
      return method === 'read' ? { kind: 'silent' } : { kind: 'late', ms: SETTLE_MS * 5 }
    })
    const looked = new Promise<void>((resolve) => (release = resolve))
    const events = sampleEvents(2)
    expect(await store.append(sampleStream(), events, { expected: 'noStream' })).toMatchObject({ revision: 1n })
    await looked
    expect(calls.filter((method) => method === 'append').length).toBe(1)
  })

  test('whose answer is late is not written twice, and does not disturb the next append', async () => {
    const cluster = await openCluster()
    const store = openStore(cluster.url)
    const stream = sampleStream()
    await store.append(stream, sampleEvents(1), { expected: 'any' })
    cluster.nodes[0]?.faults.next('append', { kind: 'late', ms: SETTLE_MS * 4 })
    for (let revision = 0n; revision < 6n; revision += 1n)
      expect(await store.append(stream, [sampleEvent()], { expected: revision })).toMatchObject({
        revision: revision + 1n,
      })
    expect((await store.read(stream)).length).toBe(7)
  })
})

interface Request {
  readonly ids: readonly number[]
  readonly expected: ExpectedRevision
}
type Step = number | { readonly keep: number } | 'delete'

const expectations = fc.oneof(
  fc.constantFrom<ExpectedRevision>('any', 'exists', 'noStream'),
  fc.bigInt({ min: 0n, max: 6n }),
)
/** Ids of the appends that are made. None has that of another: where one stands twice, the server goes by the first, that may be gone. */
const IDS = [[0], [1], [2], [3, 4], [5, 6, 7]]
const appends = fc.tuple(...IDS.map((ids) => expectations.map((expected): Request => ({ ids, expected }))))
/** An append, by its number, or that only so many events are kept, or that the stream is deleted. */
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.nat({ max: IDS.length - 1 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 3 }).map((keep) => ({ keep })) },
  { weight: 1, arbitrary: fc.constant('delete' as const) },
)
const someIds = fc.uniqueArray(fc.constantFrom(...IDS.flat()), { minLength: 1, maxLength: 3 })
const request: fc.Arbitrary<Request> = fc.record({
  ids: fc.oneof(fc.constantFrom(...IDS), someIds),
  expected: expectations,
})

const one = (id: number, expected: ExpectedRevision): Request => ({ ids: [id], expected })
const three = [one(0, 'noStream'), one(1, 0n), one(2, 1n)]
/** The first is found; the ids of the others are in the stream, and not where the append would have put them. */
const EXAMPLES: [Request[], Step[], Request[]][] = [
  [three, [0], [one(0, 'noStream')]],
  [three, [0, 'delete', 1], [one(1, 'noStream')]],
  [three, [0, 1, { keep: 1 }], [one(1, 'noStream'), one(1, 1n)]],
  [three, [0, 1, 2, { keep: 1 }], [one(2, 0n)]],
]

test('a search finds only what the server itself would treat as a repetition, for any history of the stream', async () => {
  const cluster = await openCluster()
  const connection = openConnection({ url: cluster.url })
  onTestFinished(() => connection.close())
  let found = 0
  await fc.assert(
    fc.asyncProperty(
      appends,
      fc.array(step, { maxLength: 8 }),
      fc.array(request, { minLength: 1, maxLength: 8 }),
      async (own, steps, asked) => {
        const stream = sampleStream()
        // An id of another stream is a new one to the server.
        const uuids = IDS.flat().map(() => crypto.randomUUID())
        const appendOf = ({ ids, expected }: Request): AppendRequest => ({
          stream,
          events: ids.map((id) => ({ ...sampleEvent(), id: uuids[id] ?? '' })),
          expected,
        })
        const take = async (each: Step): Promise<unknown> => {
          if (each === 'delete') return connection.client().deleteStream(stream)
          const planned = typeof each === 'number' ? own[each] : undefined
          if (planned !== undefined) return append(connection, appendOf(planned))
          const metadata = asideEvent('$metadata', { $maxCount: typeof each === 'object' ? each.keep : 0 })
          return append(connection, { stream: `$$${stream}`, events: [metadata], expected: 'any' })
        }
        // Those that are refused are as good as any.
        for (const each of steps) await take(each).catch(() => undefined)
        for (const wanted of asked.map(appendOf)) {
          const seen = await look(connection.client(), connection, wanted)
          if (seen === undefined) continue
          found += 1
          expect(await append(connection, wanted)).toEqual(seen)
        }
      },
    ),
    { numRuns: rounds({ quick: 15, long: 1_000 }), examples: EXAMPLES },
  )
  expect(found).toBeGreaterThan(0)
})

describe('a refusal', () => {
  test.each<readonly [Refusal, ExpectedRevision, string]>([
    ['badRequest', 'noStream', 'ERR_APPEND_REFUSED'],
    ['invalidTransaction', 'any', 'ERR_APPEND_REFUSED'],
    ['streamDeleted', 'noStream', 'ERR_APPEND_REFUSED'],
    ['streamDeleted', 'any', 'ERR_APPEND_REFUSED'],
    ['streamDeleted', 'exists', 'ERR_CONFLICT'],
    ['streamDeleted', 3n, 'ERR_CONFLICT'],
    ['eventTooLarge', 'noStream', 'ERR_TOO_LARGE'],
  ])('by %s of an append that expects %s is none of those that are asked again', async (kind, expected, code) => {
    const cluster = await openCluster()
    const store = openStore(cluster.url)
    const asked: Method[] = []
    cluster.nodes[0]?.faults.decide((method) => {
      asked.push(method)
      return method === 'append' ? { kind } : undefined
    })
    await expect(store.append(sampleStream(), sampleEvents(1), { expected })).rejects.toMatchObject({ code })
    expect(asked.filter((method) => method === 'append').length).toBe(1)
    expect(store.health()).toEqual({ ok: true })
  })
})

describe('a stream that has a tombstone', () => {
  const bury = async (url: string, stream: string): Promise<void> => {
    const connection = openConnection({ url })
    onTestFinished(() => connection.close())
    await append(connection, { stream, events: [asideEvent('T', {})], expected: 'any' })
    await connection.client().tombstoneStream(stream)
  }

  test('has no events and accepts none: appends that expect it to exist conflict, others are refused', async () => {
    const cluster = await openCluster()
    const store = openStore(cluster.url)
    const stream = sampleStream()
    await bury(cluster.url, stream)
    await expect(store.read(stream)).rejects.toThrow(StreamNotFound)
    const codes = await Promise.all(
      (['exists', 0n, 'noStream', 'any'] as const).map((expected) =>
        store.append(stream, sampleEvents(1), { expected }).then(
          () => 'appended',
          ({ code }: { code: string }) => code,
        ),
      ),
    )
    expect(codes).toEqual(['ERR_CONFLICT', 'ERR_CONFLICT', 'ERR_APPEND_REFUSED', 'ERR_APPEND_REFUSED'])
    expect(store.health()).toEqual({ ok: true })
  })

  test('in the vault is an absent key, and for a lease one that no process gets', async () => {
    const cluster = await openCluster()
    const vault = await openEventStoreDBVault({ url: cluster.url, masterKey: new Uint8Array(32) })
    onTestFinished(() => vault.close())
    await vault.putIfAbsent('gone', new Uint8Array([1]))
    await bury(cluster.url, 'vault-key.gone')
    expect(await vault.get('gone')).toBeUndefined()
    await vault.destroy('gone')
    await expect(vault.putIfAbsent('gone', new Uint8Array([2]))).rejects.toMatchObject({ code: 'ERR_APPEND_REFUSED' })

    await bury(cluster.url, 'lease-buried')
    const said: unknown[] = []
    const lease = openEventStoreDBLease({
      url: cluster.url,
      name: 'buried',
      ttlMs: 400,
      onError: (error) => said.push(error),
    })
    onTestFinished(() => lease.close())
    await vi.waitFor(() => expect(said[0]).toMatchObject({ code: 'ERR_APPEND_REFUSED' }))
    expect(lease.isHeld()).toBe(false)
  })
})

test('a repetition of hidden events succeeds with the end of the log as position', async () => {
  const cluster = await openCluster()
  const store = openStore(cluster.url)
  const connection = openConnection({ url: cluster.url })
  onTestFinished(() => connection.close())
  const stream = sampleStream()
  const events = sampleEvents(2)
  const first = await store.append(stream, events, { expected: 'noStream' })
  await connection.client().deleteStream(stream)
  const repeated = await store.append(stream, events, { expected: 'noStream' })
  expect(repeated.revision).toBe(first.revision)
  expect(repeated.position >= first.position).toBe(true)
})

test('without a leader, reads and appends are unavailable, and no outcome is unknown', async () => {
  const cluster = await openCluster({ nodes: 3 })
  const stream = sampleStream()
  await openStore(cluster.url).append(stream, sampleEvents(1), { expected: 'noStream' })
  cluster.lead(undefined)
  const hasty = openStore(cluster.url, 200)
  const unavailable = { code: 'ERR_UNAVAILABLE' }
  await expect(hasty.read(stream)).rejects.toMatchObject(unavailable)
  await expect(hasty.append(stream, sampleEvents(1), { expected: 0n })).rejects.toMatchObject(unavailable)
  cluster.lead(0)
  await vi.waitFor(() => openStore(cluster.url).append(stream, sampleEvents(1), { expected: 0n }))
})
