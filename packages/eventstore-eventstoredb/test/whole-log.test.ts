import { allOf, idsOf, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { openEventStoreDBEventStore, type EventStoreDBEventStore } from '../src/index.ts'
import { type Fault, openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'

/** Long enough for every try that is answered, on a busy machine. */
const ATTEMPT_MS = 2_000
/** A read that is answered within half of this did not wait for the end of its try. */
const LONG_ATTEMPT_MS = 20_000

let cluster: ProtocolCluster
let store: EventStoreDBEventStore
const open = (attemptMs = ATTEMPT_MS) => openEventStoreDBEventStore({ url: cluster.url, attemptMs })

beforeEach(async () => {
  cluster = await openProtocolCluster({ nodes: 3 })
  store = open()
})
afterEach(async () => {
  cluster.nodes.forEach(({ faults }) => faults.clear())
  await store.close()
  cluster.close()
})

const onEveryNode = (fault: Fault, times?: number): void =>
  cluster.nodes.forEach(({ faults }) => faults.next('read', fault, times))

/** Lets the next reads have a fault, whichever node they go to. @returns how many came so far. */
function faultyReads(faultOf: (read: number) => Fault | undefined): () => number {
  let reads = 0
  for (const { faults } of cluster.nodes)
    faults.decide((method) => (method === 'read' ? faultOf((reads += 1)) : undefined))
  return () => reads
}

const FILTERS = [undefined, { categories: ['wanted'] }]
const optionsOf = (filter: (typeof FILTERS)[number]) => ({ ...(filter && { filter }) })

describe('a read of the whole log that is aborted', () => {
  test.each(FILTERS)('with filter %j ends at once, although the node does not answer', async (filter) => {
    await store.close()
    store = open(LONG_ATTEMPT_MS)
    await store.append(sampleStream('wanted'), sampleEvents(1), { expected: 'noStream' })
    const reads = faultyReads((read) => (read <= 2 ? { kind: 'silent' } : undefined))
    const stop = new AbortController()
    const stopped = allOf(store.readAll({ signal: stop.signal, ...optionsOf(filter) }))
    const closed = allOf(store.readAll(optionsOf(filter)))
    const outcomes = Promise.all([
      expect(stopped).resolves.toEqual([]),
      expect(closed).rejects.toMatchObject({
        code: 'ERR_UNAVAILABLE',
        message: /closed/,
        cause: { name: 'AbortError' },
      }),
    ])
    await vi.waitUntil(() => reads() === 2)
    const began = performance.now()
    stop.abort()
    // Other calls go on over the same connection.
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    await store.close()
    await outcomes
    expect(performance.now() - began).toBeLessThan(LONG_ATTEMPT_MS / 2)
  })

  test('still reports an error that the abort did not cause', async () => {
    await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    const stop = new AbortController()
    const reading = store.readAll({ signal: stop.signal })[Symbol.asyncIterator]()
    expect((await reading.next()).done).toBe(false)
    stop.abort()
    await expect(reading.throw?.(new Error('the event cannot be decoded'))).rejects.toThrow('cannot be decoded')
  })
})

describe('a read of the whole log that a failing node cuts short', () => {
  test.each(
    (['forwards', 'backwards'] as const).flatMap((direction) =>
      FILTERS.flatMap((filter) =>
        [0, 1, 188].flatMap((events) =>
          (['short', 'cut'] as const).map((then) => ({ direction, filter, events, then })),
        ),
      ),
    ),
  )(
    '$direction with filter $filter after $events events, and then $then, is read to the end of the log',
    async ({ direction, filter, events, then }) => {
      for (let count = 0; count < 8; count += 1)
        await store.append(sampleStream('wanted'), sampleEvents(100), { expected: 'noStream' })
      // A store that wrote nothing does not know where the log ends.
      const reader = open()
      expect((await allOf(reader.readAll({ max: 1 }))).length).toBe(1)
      onEveryNode({ kind: 'short', events }, 1)
      // A call has three tries, and an answer without an event may take one of them.
      const times = events === 0 ? 1 : 2
      onEveryNode(then === 'short' ? { kind: 'short', events: 0 } : { kind: 'cut' }, times)
      expect((await allOf(reader.readAll({ direction, ...optionsOf(filter) }))).length).toBe(800)
      await reader.close()
    },
  )

  test('includes what was written while it was read, and ends while others still write', async () => {
    await store.append(sampleStream(), sampleEvents(4), { expected: 'noStream' })
    const writer = open()
    let isRead = false
    const writing = (async () => {
      while (!isRead) await writer.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    })()
    onEveryNode({ kind: 'short', events: 2 }, 1)
    const before = (await writer.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })).position
    const found = await allOf(store.readAll())
    isRead = true
    await writing
    expect(found.some(({ position }) => position === before)).toBe(true)
    await writer.close()
  })

  test('does not report an empty log as its head', async () => {
    const { position } = await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    for (let count = 0; count < 40; count += 1) await store.readBarrier()
    faultyReads((read) => (read === 2 ? { kind: 'halfClose' } : undefined))
    expect(await store.head()).toBe(position)
  })
})

test('a filtered read moves to another node when the one that searches hangs', { timeout: 60_000 }, async () => {
  const three = await openProtocolCluster({ nodes: 3, timeScale: 0.1 })
  const searching = openEventStoreDBEventStore({ url: three.url, attemptMs: 400 })
  onTestFinished(async () => {
    await searching.close()
    three.close()
  })
  const events = sampleEvents(2)
  await searching.append(sampleStream(), events, { expected: 'noStream' })
  const read = async () => idsOf(await allOf(searching.readAll({ filter: { types: [sampleEvent().type] } })))
  expect(await read()).toEqual(idsOf(events))
  three.nodes[0]?.pause()
  await expect.poll(() => read().catch(() => undefined)).toEqual(idsOf(events))
})
