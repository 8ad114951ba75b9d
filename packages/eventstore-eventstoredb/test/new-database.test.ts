import { listen, sampleEvent, sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type EventStoreDBEventStore, openEventStoreDBEventStore } from '../src/index.ts'
import { openProtocolCluster, type ProtocolCluster } from '../src/testing/index.ts'

let cluster: ProtocolCluster
let store: EventStoreDBEventStore
beforeEach(async () => {
  cluster = await openProtocolCluster()
  store = openEventStoreDBEventStore({ url: cluster.url })
})
afterEach(async () => {
  await store.close()
  cluster.close()
})

const FILTERS = [{ categories: ['wanted'] }, { types: ['Wanted'] }, undefined] as const

describe('a subscription from the start of a new database', () => {
  test.each(FILTERS)('with filter %j receives the first event, and every later one once', async (filter) => {
    const listener = listen(store, filter && { filter })
    await listener.until(({ messages }) => messages.some(({ kind }) => kind === 'caughtUp'))
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) {
      const event = sampleEvent({ type: 'Wanted' })
      await store.append(sampleStream('wanted'), [event], { expected: 'noStream' })
      ids.push(event.id)
      await listener.until(({ events }) => events().length === ids.length)
    }
    expect(listener.events().map(({ id }) => id)).toEqual(ids)
    await listener.stop()
  })

  test.each([FILTERS[0], FILTERS[1]])('with filter %j advances past events that do not match', async (filter) => {
    const listener = listen(store, { filter })
    await listener.until(({ messages }) => messages.some(({ kind }) => kind === 'caughtUp'))
    await store.append(sampleStream('other'), sampleEvents(3), { expected: 'noStream' })
    await store.append(sampleStream('wanted'), [sampleEvent({ type: 'Wanted' })], { expected: 'noStream' })
    for (let count = 0; count < 4; count += 1)
      await store.append(sampleStream('other'), sampleEvents(100), { expected: 'noStream' })
    const position = await store.head()
    // Between two checkpoints the server looks at 256 events.
    await listener.until(({ messages, events }) =>
      messages.some((each) => each.kind !== 'event' && each.position > (events()[0]?.position ?? position)),
    )
    expect(listener.events().length).toBe(1)
    expect(listener.messages.every((each) => each.kind === 'event' || each.position <= position)).toBe(true)
    await listener.stop()
  })
})

test('a new database contains events of the server before any client writes', () => {
  expect(cluster.log.own).toEqual([])
  expect(cluster.log.all.map(({ type }) => type)).toContain('$UserCreated')
})
