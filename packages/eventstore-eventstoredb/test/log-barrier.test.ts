import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { listen, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { type EventStoreDBEventStore, openEventStoreDBEventStore } from '../src/index.ts'
import { openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'

let cluster: ProtocolCluster
let stores: EventStoreDBEventStore[]
const open = () => {
  const store = openEventStoreDBEventStore({ url: cluster.url })
  stores.push(store)
  return store
}

beforeEach(async () => {
  stores = []
  cluster = await openProtocolCluster()
})
afterEach(async () => {
  await Promise.all(stores.map((store) => store.close()))
  cluster.close()
})

describe('a read barrier for the whole log', () => {
  test('is after every event acknowledged before, and before every later one, in any process', async () => {
    const [one, other] = [open(), open()]
    for (let round = 0; round < 10; round += 1) {
      const before = await other.append(sampleStream(), sampleEvents(2), { expected: 'noStream' })
      const end = await one.readBarrier()
      const after = await other.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
      expect(before.position < end && end < after.position).toBe(true)
    }
  })

  test('reaches a subscription with a filter after the events before it, and is not an event', async () => {
    const [one, other] = [open(), open()]
    const listener = listen(other, { filter: { types: ['Wanted'] } })
    for (let round = 1; round <= 5; round += 1) {
      await one.append(sampleStream(), [sampleEvent(), sampleEvent({ type: 'Wanted' })], { expected: 'noStream' })
      const end = await one.readBarrier()
      await listener.until(({ messages }) => messages.some((each) => each.kind !== 'event' && each.position >= end))
      expect(listener.events().map(({ type }) => type)).toEqual(Array.from({ length: round }, () => 'Wanted'))
    }
    await listener.stop()
  })

  test('does not move the head of the log, however many barriers there are', async () => {
    const store = open()
    const { position } = await store.append(sampleStream(), sampleEvents(3), { expected: 'noStream' })
    for (let count = 0; count < 40; count += 1) await store.readBarrier()
    expect(await store.head()).toBe(position)
    expect(await store.head()).toBe(position)
    expect(await open().head()).toBe(position)
    const next = await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    expect(await store.head()).toBe(next.position)
    await store.readBarrier()
    expect(await store.head()).toBe(next.position)
  })

  test('is not returned while no majority answers', async () => {
    const store = open()
    await store.readBarrier()
    cluster.nodes[0]?.faults.next('append', { kind: 'notReady' })
    await expect(store.readBarrier()).rejects.toThrow()
  })
})
