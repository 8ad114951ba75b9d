import { appendIdempotently, type EventStore, Unavailable } from '@ledgate/eventsourcing'
import { isCaughtUp, listen, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { type EventStoreDBEventStore, openEventStoreDBEventStore } from '../src/index.ts'
import { openProtocolCluster, type ProtocolCluster, type ProtocolNode } from '../src/testing/index.ts'

/** A leader that was replaced while it lay still believes for as long as any test lasts that it leads. */
const STALE_FOR_EVER = { staleMs: 3_600_000, electionMs: 20, preLeaderMs: 1 }

let cluster: ProtocolCluster
let opened: EventStoreDBEventStore[]
function open(url = cluster.url): EventStoreDBEventStore {
  const store = openEventStoreDBEventStore({ url, attemptMs: 400, idleMs: 300 })
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

async function write(to: EventStore, count: number): Promise<readonly string[]> {
  const ids: string[] = []
  for (let index = 0; index < count; index += 1) {
    const event = sampleEvent({ type: 'Wanted' })
    await appendIdempotently(to, sampleStream('wanted'), [event], { expected: 'noStream' })
    ids.push(event.id)
  }
  return ids
}

/** Lets a leader lie still until the others follow another one. */
async function replace(node: ProtocolNode): Promise<void> {
  node.pause()
  await vi.waitUntil(() => cluster.leader !== undefined && nodeAt(cluster.leader) !== node)
  await vi.waitUntil(() => nodeAt(cluster.leader ?? 0).role === 'leader')
}

/** The server filters in three ways; one of them is enough to be quick. */
const FILTERS = [{ categories: ['wanted'] }, { types: ['Wanted'] }, undefined].slice(0, rounds({ quick: 1, long: 3 }))

describe.each(FILTERS)('a subscription with filter %j', (filter) => {
  test('whose node wrongly believes that it leads moves to another node and misses no event', async () => {
    const [store, other] = [open(), open()]
    const failures: unknown[] = []
    const listener = listen(store, { ...(filter && { filter }), onFailure: (error) => failures.push(error) })
    const ids = [...(await write(other, 2))]
    await listener.until(({ events }) => events().length === ids.length && isCaughtUp(listener))
    await replace(nodeAt(0))
    ids.push(...(await write(other, 3)))
    nodeAt(0).resume()
    ids.push(...(await write(other, 2)))
    await listener.until(({ events }) => events().length >= ids.length)
    expect(listener.events().map(({ id }) => id)).toEqual(ids)
    expect(failures.length).toBeGreaterThan(0)
    await listener.stop()
  })

  test('whose node is behind its start reports neither that it caught up nor a later position', async () => {
    const [before] = [await write(open(), 2)]
    nodeAt(1).lag(true)
    const ids = await write(open(), 3)
    const after = await open().head()
    // Its own leader is the only one who could know better: everybody else goes where it says.
    cluster.lead(undefined)
    const failures: unknown[] = []
    const options = { after, ...(filter && { filter }), onFailure: (error: unknown) => failures.push(error) }
    const listener = listen(open(`esdb://127.0.0.1:${nodeAt(1).port}?tls=false`), options)
    await vi.waitUntil(() => failures.length > 1)
    expect(failures.every((error) => error instanceof Unavailable)).toBe(true)
    expect(listener.messages).toEqual([])
    nodeAt(1).lag(false)
    cluster.lead(0)
    const more = await write(open(), 2)
    await listener.until(isCaughtUp)
    await listener.until(({ events }) => events().length >= more.length)
    expect(listener.events().map(({ id }) => id)).toEqual(more)
    expect([before.length, ids.length]).toEqual([2, 3])
    await listener.stop()
  })

  test('on a leader without a majority does not report that it caught up', async () => {
    const store = open()
    await write(store, 2)
    for (const index of [1, 2]) nodeAt(index).lag(true)
    const listener = listen(open(), filter && { filter })
    await listener.until(({ events }) => events().length === 2)
    const failed = new Promise((resolve) => void listen(open(), { onFailure: resolve }))
    await failed
    expect(isCaughtUp(listener)).toBe(false)
    for (const index of [1, 2]) nodeAt(index).lag(false)
    await listener.until(isCaughtUp)
    expect(listener.events().length).toBe(2)
    await listener.stop()
  })
})

test('a subscription that falls behind and catches up again reports it once, after every earlier event', async () => {
  const store = open()
  const ids = await write(store, 3)
  const listener = listen(store)
  await listener.until(isCaughtUp)
  expect(listener.messages.filter(({ kind }) => kind === 'caughtUp').length).toBe(1)
  await nodeAt(0).cut()
  await listener.until(({ messages }) => messages.filter(({ kind }) => kind === 'caughtUp').length === 2)
  expect(listener.events().map(({ id }) => id)).toEqual(ids)
  const positions = listener.messages.flatMap((message) => (message.kind === 'event' ? [] : [message.position]))
  expect(positions).toEqual(positions.toSorted())
  await listener.stop()
})

test('a read of the log is not answered by a node that lacks events known to the process', async () => {
  const store = open()
  await store.append(sampleStream('wanted'), sampleEvents(3), { expected: 'noStream' })
  await replace(nodeAt(0))
  const { position } = await appendIdempotently(store, sampleStream('wanted'), sampleEvents(2), {
    expected: 'noStream',
  })
  nodeAt(0).resume()
  const behind = openEventStoreDBEventStore({ url: `esdb://127.0.0.1:${nodeAt(0).port}?tls=false`, attemptMs: 400 })
  // It says nothing, or sends on to the one that leads.
  expect(await behind.head().catch(() => position)).toBe(position)
  await behind.close()
  expect(await store.head()).toBe(position)
  const events = []
  for await (const event of store.readAll()) events.push(event)
  expect(events.length).toBe(5)
})

test('a subscription refuses a position beyond the end of the log', async () => {
  const longer = open()
  const { position } = await longer.append(sampleStream(), sampleEvents(40), { expected: 'noStream' })
  const shorter = await openProtocolCluster()
  const store = openEventStoreDBEventStore({ url: shorter.url, attemptMs: 400 })
  const listener = listen(store, { after: position })
  await expect(listener.until(() => false)).rejects.toThrow(/ended/)
  await expect(listener.stop()).rejects.toMatchObject({ code: 'ERR_INVALID_POSITION' })
  await store.close()
  shorter.close()
})

test('a slow reader falls behind, and has caught up again once every earlier event was delivered', async () => {
  const store = open()
  const [writer, first, all] = [open(), 3, 4_003]
  await write(writer, first)
  const seen: string[] = []
  const caughtUpAfter: number[] = []
  const slow = Promise.withResolvers<void>()
  const stop = new AbortController()
  const reading = (async () => {
    for await (const message of store.subscribe({ signal: stop.signal })) {
      if (message.kind === 'event') seen.push(message.event.id)
      if (message.kind !== 'caughtUp') continue
      caughtUpAfter.push(seen.length)
      if (caughtUpAfter.length === 1) await slow.promise
      else stop.abort()
    }
  })()
  await vi.waitUntil(() => caughtUpAfter.length === 1)
  for (let written = first; written < all; written += 100)
    await appendIdempotently(writer, sampleStream(), sampleEvents(100), { expected: 'noStream' })
  slow.resolve()
  await reading
  expect(caughtUpAfter).toEqual([first, all])
  expect(new Set(seen).size).toBe(all)
})
