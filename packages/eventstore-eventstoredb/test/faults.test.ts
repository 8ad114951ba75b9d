import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { EventStoreDBClient } from '@eventstore/db-client'
import { appendIdempotently, Conflict, type EventStore, type SubscribeOptions } from '@ledgate/eventsourcing'
import { listen, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { openEventStoreDBEventStore, type EventStoreDBEventStore } from '../src/index.ts'
import { type Fault, type Method, openProtocolCluster, type ProtocolCluster, seeded } from '../src/testing/index.ts'

/** For attempts that are never answered. */
const ATTEMPT_MS = 250
/** For attempts that must be answered in time on a busy machine; some wait all of it after a fault. */
const PATIENT_MS = 2_000
const IDLE_MS = 300

let cluster: ProtocolCluster
let store: EventStoreDBEventStore
const open = (attemptMs = PATIENT_MS) => openEventStoreDBEventStore({ url: cluster.url, attemptMs, idleMs: IDLE_MS })

/** Reopens the store with this time for one attempt. */
async function reopen(attemptMs: number): Promise<void> {
  await store.close()
  store = open(attemptMs)
}

/** The same, and waits until it is connected, which may take several attempts on a slow machine. */
async function reopenFor(fault: Fault['kind']): Promise<void> {
  await reopen(['silent', 'lost', 'late'].includes(fault) ? ATTEMPT_MS : PATIENT_MS)
  await vi.waitFor(() => store.head())
}

beforeEach(async () => {
  cluster = await openProtocolCluster({ nodes: 3 })
  store = open()
})
afterEach(async () => {
  cluster.nodes.forEach(({ faults }) => faults.clear())
  await store.close()
  cluster.close()
})

const onEveryNode = (method: Method, fault: Fault, times?: number): void =>
  cluster.nodes.forEach(({ faults }) => faults.next(method, fault, times))
const clear = () => cluster.nodes.forEach(({ faults }) => faults.clear())
const late: Fault = { kind: 'late', ms: PATIENT_MS * 1.5 }

describe('one append with a fault', () => {
  test.each<Fault>([
    { kind: 'silent' },
    { kind: 'lost' },
    { kind: 'cut' },
    { kind: 'cutAfter' },
    { kind: 'halfClose' },
    { kind: 'timeout' },
    { kind: 'timeoutAfter' },
    { kind: 'notLeader' },
    { kind: 'noLeader' },
    { kind: 'notReady' },
    late,
  ])('$kind once: is retried, and its events are written once', async (fault) => {
    const stream = sampleStream()
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    onEveryNode('append', fault, 1)
    const events = sampleEvents(2)
    const { revision } = await appendIdempotently(store, stream, events, { expected: 'noStream' })
    expect(revision).toBe(1n)
    clear()
    expect((await store.read(stream)).map(({ id }) => id)).toEqual(events.map(({ id }) => id))
  })

  test.each<readonly [Fault, string, boolean]>([
    [{ kind: 'silent' }, 'ERR_UNKNOWN_OUTCOME', false],
    [{ kind: 'lost' }, 'ERR_UNKNOWN_OUTCOME', true],
    [{ kind: 'cut' }, 'ERR_UNKNOWN_OUTCOME', false],
    [{ kind: 'cutAfter' }, 'ERR_UNKNOWN_OUTCOME', true],
    [{ kind: 'halfClose' }, 'ERR_UNKNOWN_OUTCOME', true],
    [{ kind: 'timeout' }, 'ERR_UNKNOWN_OUTCOME', false],
    [{ kind: 'timeoutAfter' }, 'ERR_UNKNOWN_OUTCOME', true],
    [late, 'ERR_UNKNOWN_OUTCOME', true],
    [{ kind: 'noLeader' }, 'ERR_UNAVAILABLE', false],
    [{ kind: 'notReady' }, 'ERR_UNAVAILABLE', false],
    [{ kind: 'denied' }, 'ERR_UNAVAILABLE', false],
  ])('%o always: fails with %s, and can be repeated', async (fault, code, isWritten) => {
    await reopenFor(fault.kind)
    const stream = sampleStream()
    const events = sampleEvents(1)
    onEveryNode('append', fault)
    // A read of the stream would find the events.
    if (fault.kind === 'lost' || fault.kind === 'late') onEveryNode('read', { kind: 'silent' })
    await expect(store.append(stream, events, { expected: 'noStream' })).rejects.toMatchObject({ code })
    clear()
    await reopen(PATIENT_MS)
    const read = await store.read(stream).catch(({ code: refused }: { code: string }) => refused)
    expect(Array.isArray(read) ? read.length : read).toBe(isWritten ? 1 : 'ERR_STREAM_NOT_FOUND')
    expect(await store.append(stream, events, { expected: 'noStream' })).toMatchObject({ revision: 0n })
    expect((await store.read(stream)).length).toBe(1)
  })

  test('without faults: one message to the server and one back, and no other calls', async () => {
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    const calls: Method[] = []
    cluster.nodes.forEach(({ faults }) => faults.decide((method) => void calls.push(method)))
    for (let count = 0; count < 20; count += 1)
      await store.append(sampleStream(), sampleEvents(3), { expected: 'noStream' })
    expect(calls).toEqual(Array.from({ length: 20 }, () => 'append'))
  })

  test('without an answer delays no other append, and none of another store', async () => {
    await reopen(2 * PATIENT_MS)
    const other = open(2 * PATIENT_MS)
    await Promise.all([store, other].map((each) => each.append(sampleStream(), sampleEvents(1), { expected: 'any' })))
    onEveryNode('append', { kind: 'silent' }, 1)
    const silenced = store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    const beside = Promise.all(
      Array.from({ length: 40 }, (_, index) =>
        [store, other][index % 2]?.append(sampleStream(), sampleEvents(2), { expected: 'noStream' }),
      ),
    )
    expect(await Promise.race([silenced.then(() => 'silenced'), beside.then(() => 'beside')])).toBe('beside')
    expect(await silenced).toMatchObject({ revision: 0n })
    expect(other.counters()).toMatchObject({ appends: 21, queued: 0 })
    await other.close()
  })

  test('an attempt with an unknown outcome is not reported as unwritten when the next one is refused', async () => {
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    onEveryNode('append', { kind: 'timeoutAfter' }, 1)
    onEveryNode('append', { kind: 'notReady' })
    const append = store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    await expect(append).rejects.toMatchObject({ code: 'ERR_UNKNOWN_OUTCOME' })
  })
})

describe('one read with a fault', () => {
  test.each<Fault['kind']>(['silent', 'cut', 'notLeader', 'noLeader', 'notReady'])(
    '%s once: is retried',
    async (kind) => {
      const stream = sampleStream()
      await store.append(stream, sampleEvents(3), { expected: 'noStream' })
      onEveryNode('read', { kind } as Fault, 1)
      expect((await store.read(stream, { direction: 'backwards', max: 2 })).length).toBe(2)
    },
  )

  test.each<Fault['kind']>(['silent', 'cut', 'noLeader', 'notReady', 'denied'])(
    '%s always: is unavailable',
    async (kind) => {
      const stream = sampleStream()
      await store.append(stream, sampleEvents(1), { expected: 'noStream' })
      await reopenFor(kind)
      onEveryNode('read', { kind } as Fault)
      await expect(store.read(stream)).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
      await expect(store.head()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
      expect(store.health()).toMatchObject({ ok: false })
      clear()
      await vi.waitFor(async () => expect((await store.read(stream)).length).toBe(1))
      expect(store.health()).toEqual({ ok: true })
    },
  )

  test('a slow answer is read to its end', async () => {
    const stream = sampleStream()
    await store.append(stream, sampleEvents(20), { expected: 'noStream' })
    onEveryNode('read', { kind: 'slow', ms: 20 })
    expect((await store.read(stream)).length).toBe(20)
  })
})

const SUBSCRIPTION_FAULTS: readonly Fault[] = [
  { kind: 'silent' },
  { kind: 'lost' },
  { kind: 'cut' },
  { kind: 'halfClose' },
  { kind: 'notLeader' },
  { kind: 'noLeader' },
  { kind: 'notReady' },
  { kind: 'doubled' },
  { kind: 'slow', ms: 2 },
]

async function write(to: EventStore, category: string, appends: number): Promise<string[]> {
  const ids: string[] = []
  for (let count = 0; count < appends; count += 1) {
    const events = sampleEvents(1 + (count % 3))
    await appendIdempotently(to, sampleStream(category), events, { expected: 'noStream' })
    ids.push(...events.map(({ id }) => id))
  }
  return ids
}

describe('a subscription', () => {
  test.each(SUBSCRIPTION_FAULTS)('recovers from $kind twice and delivers every event once', async (fault) => {
    const category = 'followed'
    const options: SubscribeOptions = { filter: { categories: [category] } }
    onEveryNode('subscribe', fault, 2)
    const before = await write(store, category, 5)
    const listener = listen(store, options)
    await pause(50)
    const during = await write(store, category, 5)
    await listener.until(({ events }) => events().length >= before.length + during.length)
    expect(listener.events().map(({ id }) => id)).toEqual([...before, ...during])
    await listener.stop()
  })

  test('delivers every event once and in order while nodes restart, pause and lose the lead', async () => {
    for (let seed = 1; seed <= 12; seed += 1) {
      const random = seeded(seed)
      const pick = <Each>(list: readonly Each[]): Each => list[Math.floor(random() * list.length)] as Each
      const category = `walk${seed}`
      const misbehave = (method: Method) =>
        method === 'subscribe' && random() < 0.5 ? pick(SUBSCRIPTION_FAULTS) : undefined
      cluster.nodes.forEach(({ faults }) => faults.decide(misbehave))
      const listener = listen(store, { filter: { categories: [category] } })
      const ids: string[] = []
      for (let step = 0; step < 6; step += 1) {
        ids.push(...(await write(store, category, 4)))
        if (random() < 0.5) cluster.lead(Math.floor(random() * 3))
        else await pick(cluster.nodes).cut()
      }
      clear()
      await listener.until(({ events }) => events().length >= ids.length)
      expect(
        listener.events().map(({ id }) => id),
        `seed ${seed}`,
      ).toEqual(ids)
      await listener.stop()
    }
  })

  test('control: the client itself stays silent when its subscription dies', async () => {
    const client = EventStoreDBClient.connectionString(cluster.url)
    onEveryNode('subscribe', { kind: 'lost' }, 1)
    const seen: unknown[] = []
    const subscription = client.subscribeToAll().on('data', ({ event }) => {
      if (event?.streamId.startsWith('control')) seen.push(event)
    })
    await write(store, 'control', 3)
    await pause(IDLE_MS * 5)
    expect(seen.length).toBeLessThan(6)
    await subscription.unsubscribe()
    await client.dispose()
  })
})

describe('many writers', () => {
  const APPEND_FAULTS: readonly Fault[] = [
    { kind: 'lost' },
    { kind: 'cut' },
    { kind: 'cutAfter' },
    { kind: 'timeout' },
    { kind: 'timeoutAfter' },
    { kind: 'notLeader' },
    { kind: 'noLeader' },
    { kind: 'notReady' },
    late,
  ]

  test('on one stream have at most one winner, whose event is in the log, with any faults', async () => {
    const stores = [store, open(), open()]
    for (let seed = 1; seed <= 8; seed += 1) {
      const random = seeded(seed)
      cluster.nodes.forEach(({ faults }) =>
        faults.decide((method) =>
          method === 'append' && random() < 0.2
            ? APPEND_FAULTS[Math.floor(random() * APPEND_FAULTS.length)]
            : undefined,
        ),
      )
      const stream = sampleStream()
      const events = Array.from({ length: 32 }, () => sampleEvent())
      const outcomes = await Promise.all(
        events.map((event, index) =>
          appendIdempotently(stores[index % 3] as EventStore, stream, [event], { expected: 'noStream' }).catch(
            (error: unknown) => error,
          ),
        ),
      )
      clear()
      const [written] = await store.read(stream)
      const winners = events.filter((_, index) => !(outcomes[index] instanceof Error))
      expect(winners.length, `seed ${seed}`).toBeLessThanOrEqual(1)
      if (winners.length === 1) expect(written?.id).toBe(winners[0]?.id)
      const conflicts = outcomes.filter((outcome) => outcome instanceof Conflict)
      expect(conflicts.length, `seed ${seed}`).toBeGreaterThan(0)
    }
    await Promise.all(stores.slice(1).map((each) => each.close()))
  })

  test('continue when the leader dies, and lose no acknowledged event', async () => {
    const acknowledged: string[] = []
    let isOver = false
    const writing = Array.from({ length: 8 }, async () => {
      while (!isOver) {
        const stream = sampleStream('survivors')
        const answered = await appendIdempotently(store, stream, sampleEvents(1), { expected: 'noStream' }).catch(
          () => undefined,
        )
        if (answered) acknowledged.push(stream)
      }
    })
    for (let round = 0; round < 4; round += 1) {
      await pause(150)
      cluster.nodes[round % 3]?.stop()
      await pause(50)
      cluster.lead((round + 1) % 3)
      await pause(300)
      await cluster.nodes[round % 3]?.start()
    }
    const before = acknowledged.length
    await vi.waitUntil(() => acknowledged.length > before)
    isOver = true
    await Promise.all(writing)
    for (const stream of acknowledged) expect((await store.read(stream)).length).toBe(1)
  })
})

test('a closed store does not keep its process alive', async () => {
  const code = `
    import { openEventStoreDBEventStore } from './src/index.ts'
    const store = openEventStoreDBEventStore({ url: '${cluster.url}' })
    await store.append('a-' + crypto.randomUUID(), [{ id: crypto.randomUUID(), type: 'A', data: {}, metadata: {} }], { expected: 'noStream' })
    await store.head()
    await store.close()`
  const args = ['--conditions=@ledgate/source', '--input-type=module', '--eval', code]
  const child = spawn(process.execPath, args, {
    cwd: join(import.meta.dirname, '..'),
    stdio: ['ignore', 'inherit', 'inherit'],
  })
  const late = setTimeout(() => child.kill(), 120_000)
  expect(await once(child, 'close')).toEqual([0, null])
  clearTimeout(late)
})

test('the health recovers without a call', async () => {
  onEveryNode('read', { kind: 'noLeader' })
  await expect(store.head()).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
  clear()
  await vi.waitUntil(() => store.health().ok)
})

describe('a wrong configuration', () => {
  test('is refused without repeating its password', () => {
    const secret = 'hunter2-not-in-any-message'
    for (const url of [`http://ops:${secret}@localhost:2113`, `esdb://ops:${secret}@`, 'esdb://', 'x']) {
      try {
        openEventStoreDBEventStore({ url })
        expect.unreachable()
      } catch (error) {
        expect(String(error)).toContain('LEDGATE_EVENTSTOREDB_URL')
        expect(JSON.stringify([String(error), (error as Error).stack, (error as Error).cause])).not.toContain(secret)
      }
    }
  })

  test('a host without a server is unavailable in time, with the reason', async () => {
    const nobody = openEventStoreDBEventStore({ url: 'esdb://127.0.0.1:1?tls=false', attemptMs: ATTEMPT_MS })
    const append = nobody.append(sampleStream(), sampleEvents(1), { expected: 'any' })
    await expect(append).rejects.toMatchObject({ code: 'ERR_UNAVAILABLE' })
    await expect(nobody.read(sampleStream())).rejects.toThrow(/no server can be reached at LEDGATE_EVENTSTOREDB_URL/)
    await nobody.close()
  })
})
