import { EventStoreDBClient } from '@eventstore/db-client'
import {
  runOutsideDecision,
  appendIdempotently,
  Conflict,
  runDecision,
  type EventStore,
  readLastEvents,
  Unavailable,
  type UnknownOutcome,
} from '@ledgate/eventsourcing'
import { allOf, idsOf, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type EventStoreDBEventStore, openEventStoreDBEventStore, openEventStoreDBVault } from '../src/index.ts'
import { openProtocolCluster, type ProtocolCluster, type ProtocolNode } from '../src/testing/index.ts'

/** A leader that was replaced while it lay still believes for as long as any test lasts that it leads. */
const STALE_FOR_EVER = { staleMs: 3_600_000, electionMs: 20, preLeaderMs: 1 }
const BARRIERS = 'lease-barrier'

let cluster: ProtocolCluster
let opened: EventStoreDBEventStore[]
function open(url = cluster.url, attemptMs = 400): EventStoreDBEventStore {
  const store = openEventStoreDBEventStore({ url, attemptMs })
  opened.push(store)
  return store
}

beforeEach(async () => {
  opened = []
  cluster = await openProtocolCluster({ nodes: 3, limits: STALE_FOR_EVER })
})
afterEach(async () => {
  await Promise.all(opened.map((store) => store.close()))
  cluster.close()
})

const nodeAt = (index: number): ProtocolNode => cluster.nodes[index] as ProtocolNode
const barriers = (): number => cluster.log.all.filter(({ stream }) => stream === BARRIERS).length

/** Lets a leader lie still until the others follow another one. */
async function replace(node: ProtocolNode): Promise<void> {
  node.pause()
  await vi.waitUntil(() => cluster.leader !== undefined && nodeAt(cluster.leader) !== node)
  await vi.waitUntil(() => nodeAt(cluster.leader ?? 0).role === 'leader')
}

const typesOf = async (store: EventStore, stream: string): Promise<readonly string[]> =>
  (await store.read(stream)).map(({ type }) => type)

/** Ends a stream by another process, as often as it takes while the cluster elects. */
function end(store: EventStore, stream: string) {
  const events = [sampleEvent({ type: 'Ended' })]
  return vi.waitFor(() => appendIdempotently(store, stream, events, { expected: 'any' }))
}

/** A stream that lives, and a store whose connection is to the node that leads. */
async function living(store: EventStore): Promise<string> {
  const stream = sampleStream()
  const events = [sampleEvent({ type: 'Begun' })]
  await vi.waitFor(() => store.append(stream, events, { expected: 'noStream' }))
  await vi.waitFor(async () => expect(await typesOf(store, stream)).toEqual(['Begun']))
  return stream
}

test('the test server: a paused leader answers from its outdated log, also requests that waited', async () => {
  const stream = await living(open())
  const old = EventStoreDBClient.connectionString(`esdb://127.0.0.1:${nodeAt(0).port}?tls=false`)
  onTestFinished(() => old.dispose())
  const read = async () => {
    const types: string[] = []
    for await (const { event } of old.readStream(stream, { requiresLeader: true })) types.push(event?.type ?? '')
    return types
  }
  expect(await read()).toEqual(['Begun'])
  nodeAt(0).pause()
  const waiting = read()
  await replace(nodeAt(0))
  await end(open(), stream)
  nodeAt(0).resume()
  expect(await waiting).toEqual(['Begun'])
  expect(await read()).toEqual(['Begun'])
})

describe('a read', () => {
  test.each([
    { name: 'that waited at a leader that was paused', attemptMs: 5_000, isWaiting: true },
    { name: 'that was given up at a leader that was paused', attemptMs: 400, isWaiting: true },
    { name: 'of a leader that goes on', attemptMs: 400, isWaiting: false },
  ])('$name is not answered from what that one had', async ({ attemptMs, isWaiting }) => {
    const [store, other] = [open(cluster.url, attemptMs), open()]
    const stream = await living(store)
    await replace(nodeAt(0))
    await end(other, stream)
    const waiting = isWaiting ? typesOf(store, stream) : undefined
    nodeAt(0).resume()
    const answers = [waiting, typesOf(store, stream)].map((each) => each?.catch((error: unknown) => error))
    for (const answer of await Promise.all(answers))
      if (answer !== undefined && !(answer instanceof Unavailable)) expect(answer).toEqual(['Begun', 'Ended'])
    await vi.waitFor(async () => expect(await typesOf(store, stream)).toEqual(['Begun', 'Ended']))
  })

  test('reports the absence of a stream, an event or a key only when it is current', async () => {
    const masterKey = new Uint8Array(32)
    const openVault = () => openEventStoreDBVault({ url: cluster.url, masterKey, attemptMs: 400 })
    const [store, other] = [open(), open()]
    const [vault, otherVault] = [await openVault(), await openVault()]
    onTestFinished(async () => void (await Promise.all([vault.close(), otherVault.close()])))
    await living(store)
    const stream = sampleStream()
    await replace(nodeAt(0))
    const { position } = await end(other, stream)
    const key = await vi.waitFor(() => otherVault.putIfAbsent('key', new Uint8Array([1, 2, 3])))
    nodeAt(0).resume()
    await vi.waitFor(async () => expect(await typesOf(store, stream).catch(unavailable)).toEqual(['Ended']))
    await vi.waitFor(async () => expect(await store.head().catch(unavailable)).toBe(position))
    await vi.waitFor(async () => expect(Uint8Array.from((await vault.get('key')) ?? [])).toEqual(key))
  })

  test('shares its read barrier with concurrent reads', async () => {
    const store = open()
    const stream = await living(store)
    const before = barriers()
    for (let round = 0; round < 5; round += 1)
      await Promise.all(Array.from({ length: 64 }, () => runDecision(() => readLastEvents(store, stream))))
    expect(barriers() - before).toBeLessThanOrEqual(5 * 2)
  })

  test('needs no read barrier when an append was sent after it', async () => {
    const store = open()
    const stream = await living(store)
    const before = barriers()
    await runDecision(async () => {
      await store.read(stream)
      await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    })
    expect(barriers()).toBe(before)
  })

  test('that no node can prove is unavailable, and shows in the health', async () => {
    const store = open()
    const stream = await living(store)
    expect(store.health()).toEqual({ ok: true })
    let appends = 0
    // Of each two read barriers the first is refused: a link is ready, and proves nothing.
    for (const { faults } of cluster.nodes)
      faults.decide((method) => (method === 'append' && (appends += 1) % 2 === 1 ? { kind: 'notReady' } : undefined))
    await expect(store.read(stream)).rejects.toBeInstanceOf(Unavailable)
    expect(store.health().ok).toBe(false)
    cluster.nodes.forEach(({ faults }) => faults.clear())
    await vi.waitFor(() => expect(store.health().ok).toBe(true))
  })

  test('of the log that is aborted ends while its proof is pending', async () => {
    const patient = open(cluster.url, 30_000)
    await living(patient)
    nodeAt(1).lag(true)
    nodeAt(2).lag(true)
    let proofs = 0
    nodeAt(0).faults.decide((method) => {
      if (method === 'append') proofs += 1
      return undefined
    })
    const stop = new AbortController()
    let isOver = false
    const found = allOf(patient.readAll({ signal: stop.signal })).finally(() => (isOver = true))
    await vi.waitUntil(() => proofs === 1)
    expect(isOver).toBe(false)
    stop.abort()
    await found
    expect(proofs).toBe(1)
    nodeAt(1).lag(false)
    nodeAt(2).lag(false)
  })

  test('needs no read barrier on a single server', async () => {
    const alone = await openProtocolCluster()
    const store = open(alone.url)
    const stream = await living(store)
    await runDecision(() => store.read(stream))
    await expect(store.append(stream, sampleEvents(1), { expected: 'noStream' })).rejects.toThrow(Conflict)
    expect(alone.log.own.map((event) => event.stream)).toEqual([stream])
    await store.close()
    alone.close()
  })

  test('leaves only one read barrier in its stream', async () => {
    const store = open()
    const stream = await living(store)
    for (let round = 0; round < 10; round += 1) await store.read(stream)
    await vi.waitFor(() => expect(cluster.log.stream(BARRIERS)?.length).toBe(1))
    expect(barriers()).toBeGreaterThan(5)
  })
})

/** What a caller hears meanwhile may be that nobody can say. */
function unavailable(error: unknown): Unavailable {
  if (error instanceof Unavailable) return error
  throw error
}

/** Appends `Used` to a stream of its own as long as the other one did not end. */
const useUnlessEnded = (
  store: EventStore,
  { guard, target }: { guard: string; target: string },
  meanwhile = async () => {},
) => {
  let decisions = 0
  return runDecision(async () => {
    decisions += 1
    const [newest] = await readLastEvents(store, guard)
    if (newest?.type === 'Ended') return { decisions, answer: 'refused' }
    if (decisions === 1) await runOutsideDecision(meanwhile)
    await appendIdempotently(store, target, [sampleEvent({ type: 'Used' })], { expected: 'noStream' })
    return { decisions, answer: 'used' }
  })
}

describe('a decision', () => {
  test('that was read at a replaced leader restarts, and is not appended there', async () => {
    const [store, other] = [open(), open()]
    const guard = await living(store)
    const target = sampleStream()
    const outcome = await useUnlessEnded(store, { guard, target }, async () => {
      await replace(nodeAt(0))
      await end(other, guard)
    })
    expect(outcome).toEqual({ decisions: 2, answer: 'refused' })
    expect(cluster.log.stream(target)).toBeUndefined()
  })

  test('that was read at a leader that resumes restarts too', async () => {
    const [store, other] = [open(), open()]
    const guard = await living(store)
    await replace(nodeAt(0))
    await end(other, guard)
    nodeAt(0).resume()
    const target = sampleStream()
    const outcome = await vi.waitFor(() => useUnlessEnded(store, { guard, target }))
    expect(outcome.answer).toBe('refused')
    expect(cluster.log.stream(target)).toBeUndefined()
  })

  test.each(['lost', 'cutAfter', 'timeoutAfter'] as const)(
    'whose append was written without an answer (%s) does not restart',
    async (kind) => {
      const store = open()
      const guard = await living(store)
      const target = sampleStream()
      const outcome = await useUnlessEnded(store, { guard, target }, async () =>
        nodeAt(0).faults.next('append', { kind }, 1),
      )
      expect(outcome).toEqual({ decisions: 1, answer: 'used' })
      expect(cluster.log.stream(target)?.length).toBe(1)
    },
  )

  test.each(['silent', 'cut', 'notReady', 'timeout'] as const)(
    'whose append was not written (%s) restarts, and appends once',
    async (kind) => {
      const store = open()
      const guard = await living(store)
      const target = sampleStream()
      const outcome = await useUnlessEnded(store, { guard, target }, async () =>
        nodeAt(0).faults.next('append', { kind }, 1),
      )
      expect(outcome).toEqual({ decisions: 2, answer: 'used' })
      expect(cluster.log.stream(target)?.length).toBe(1)
    },
  )

  test('whose append waited at a paused and replaced leader restarts, and appends once', async () => {
    const store = open()
    const guard = await living(store)
    const target = sampleStream()
    const outcome = await useUnlessEnded(store, { guard, target }, async () => nodeAt(0).pause())
    expect(outcome).toEqual({ decisions: 2, answer: 'used' })
    nodeAt(0).resume()
    expect(cluster.log.stream(target)?.length).toBe(1)
  })

  test('whose append is outdated is decided again with the same ids', async () => {
    const [store, other] = [open(), open()]
    const stream = await living(store)
    const events = sampleEvents(2)
    let tries = 0
    const { revision } = await runDecision(async () => {
      for (;;) {
        tries += 1
        const [last] = await readLastEvents(store, stream)
        if (tries < 4)
          await runOutsideDecision(() => appendIdempotently(other, stream, sampleEvents(1), { expected: 'any' }))
        try {
          return await appendIdempotently(store, stream, events, { expected: last?.revision ?? 'noStream' })
        } catch (error) {
          if (!(error instanceof Conflict) || tries > 8) throw error
        }
      }
    })
    expect([tries, revision]).toEqual([4, 5n])
    expect(idsOf(await store.read(stream)).slice(-2)).toEqual(idsOf(events))
  })

  test('has an unknown outcome, and does not restart, when no node can tell whether its append is written', async () => {
    const store = open()
    const guard = await living(store)
    const target = sampleStream()
    let isDown = false
    const outcome = useUnlessEnded(store, { guard, target }, async () => {
      cluster.nodes.forEach(({ faults }) =>
        faults.decide((method) => {
          if (method === 'append' && !isDown) {
            isDown = true
            return { kind: 'lost' }
          }
          return isDown ? { kind: 'notReady' } : undefined
        }),
      )
    })
    await expect(outcome).rejects.toMatchObject({ code: 'ERR_UNKNOWN_OUTCOME' } satisfies Partial<UnknownOutcome>)
    cluster.nodes.forEach(({ faults }) => faults.clear())
    expect(cluster.log.stream(target)?.length).toBe(1)
  })

  test('is not refused by a conflict with events that only a replaced leader has', async () => {
    const [store, tail] = [open(), open(cluster.url, 100)]
    await living(store)
    await living(tail)
    const stream = sampleStream()
    nodeAt(1).lag(true)
    nodeAt(2).lag(true)
    const lost = tail.append(stream, sampleEvents(1), { expected: 'noStream' })
    await expect(lost).rejects.toMatchObject({ code: 'ERR_UNKNOWN_OUTCOME' })
    await replace(nodeAt(0))
    nodeAt(1).lag(false)
    nodeAt(2).lag(false)
    nodeAt(0).resume()
    const mine = sampleEvents(1)
    await vi.waitFor(() => store.append(stream, mine, { expected: 'noStream' }))
    expect(idsOf(await store.read(stream))).toEqual(idsOf(mine))
  })
})
