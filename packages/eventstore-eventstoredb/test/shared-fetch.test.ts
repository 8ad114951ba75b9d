import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import type { NewEvent, Position } from '@ledgate/eventsourcing'
import { sampleEvents, sampleStream } from '@ledgate/eventsourcing/testing'
import { rounds } from '../../../rounds.ts'
import { openEventStoreDBEventStore } from '../src/index.ts'
import { createSharedFetch } from '../src/shared-fetch.ts'
import { openProtocolCluster } from '../src/testing/index.ts'

/** A value that others change, fetched with a delay on the way there and back. */
function remote(delays: () => number) {
  let value = 0
  let fetches = 0
  return {
    change: () => (value += 1),
    fetches: () => fetches,
    value: () => value,
    async fetch() {
      fetches += 1
      await pause(delays())
      const seen = value
      await pause(delays())
      return seen
    },
  }
}

test('no caller gets a result older than its request, with any other callers', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ act: fc.constantFrom('ask', 'change', 'wait'), ms: fc.integer({ min: 0, max: 3 }) }), {
        maxLength: 40,
      }),
      async (steps) => {
        const source = remote(() => 1)
        const share = createSharedFetch<number>()
        const answers: Promise<void>[] = []
        for (const { act, ms } of steps) {
          if (act === 'change') source.change()
          else if (act === 'wait') await pause(ms)
          else {
            const asked = source.value()
            answers.push(share('it', source.fetch).then((seen) => expect(seen).toBeGreaterThanOrEqual(asked)))
          }
        }
        await Promise.all(answers)
      },
    ),
    { numRuns: rounds({ quick: 40, long: 1_000 }) },
  )
})

test('control: joining the running fetch would return an older result', async () => {
  const source = remote(() => 5)
  const first = source.fetch()
  await pause(8)
  const asked = source.change()
  expect(await first).toBeLessThan(asked)
})

test('a hundred concurrent callers share two fetches, and other keys do not wait', async () => {
  const source = remote(() => 2)
  const share = createSharedFetch<number>()
  await Promise.all([...Array.from({ length: 100 }, () => share('it', source.fetch)), share('other', source.fetch)])
  expect(source.fetches()).toBe(3)
})

test('a failing fetch fails the callers that share it, and no later ones', async () => {
  const share = createSharedFetch<string>()
  const failing = () => Promise.reject(new Error('gone'))
  const outcomes = await Promise.allSettled([share('it', failing), share('it', failing), share('it', failing)])
  expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
  expect(await share('it', () => Promise.resolve('back'))).toBe('back')
})

test('the end of the log is found in a few reads, with any number of internal events after it', async () => {
  const cluster = await openProtocolCluster()
  const [busy, store] = [0, 1].map(() => openEventStoreDBEventStore({ url: cluster.url }))
  onTestFinished(async () => {
    await Promise.all([busy?.close(), store?.close()])
    cluster.close()
  })
  if (busy === undefined || store === undefined) throw new Error('two stores were opened')
  const pile = () =>
    Promise.all(
      Array.from({ length: 32 }, () =>
        busy.append(`lease-${sampleStream()}`, sampleEvents(100), { expected: 'noStream' }),
      ),
    )
  const stream = sampleStream()
  const first = await busy.append(stream, sampleEvents(1), { expected: 'noStream' })
  await pile()
  const last = await busy.append(stream, sampleEvents(1), { expected: first.revision })
  await pile()
  let reads = 0
  cluster.nodes[0]?.faults.decide((method) => void (reads += Number(method === 'read')))
  expect(await store.head()).toBe(last.position)
  expect(reads).toBeLessThan(9)
  const backwards: Position[] = []
  for await (const { position } of store.readAll({ direction: 'backwards' })) backwards.push(position)
  expect(backwards).toEqual([last.position, first.position])
})

test('the server filters: events that do not match are not sent', async () => {
  const cluster = await openProtocolCluster()
  const store = openEventStoreDBEventStore({ url: cluster.url })
  onTestFinished(async () => {
    await store.close()
    cluster.close()
  })
  const others = () =>
    Promise.all(
      Array.from({ length: 32 }, () => store.append(sampleStream('other'), sampleEvents(50), { expected: 'noStream' })),
    )
  const wanted = { ...sampleEvents(1)[0], type: 'Wanted' } as NewEvent
  await others()
  const { position } = await store.append(sampleStream('wanted'), [wanted], { expected: 'noStream' })
  await others()
  let reads = 0
  cluster.nodes[0]?.faults.decide((method) => void (reads += Number(method === 'read')))
  for (const filter of [
    { types: ['Wanted'] },
    { categories: ['wanted'] },
    { categories: ['wanted'], types: ['Wanted'] },
  ])
    for (const direction of ['forwards', 'backwards'] as const) {
      const found: Position[] = []
      for await (const event of store.readAll({ filter, direction })) found.push(event.position)
      expect(found).toEqual([position])
    }
  // One that finds it, and one that shows that the node had the rest of the log to look at.
  expect(reads).toBe(2 * 6)
})

test('an event is found in a few pages after many of its type in other categories', async () => {
  const cluster = await openProtocolCluster()
  const store = openEventStoreDBEventStore({ url: cluster.url })
  onTestFinished(async () => {
    await store.close()
    cluster.close()
  })
  for (const category of [...Array.from({ length: 10 }, () => 'other'), 'wanted'])
    await store.append(sampleStream(category), sampleEvents(100), { expected: 'noStream' })
  const types = sampleEvents(1).map(({ type }) => type)
  let reads = 0
  cluster.nodes[0]?.faults.decide((method) => void (reads += Number(method === 'read')))
  const found: string[] = []
  for await (const { stream } of store.readAll({ filter: { categories: ['wanted'], types }, max: 1 }))
    found.push(stream)
  expect(found.map((stream) => stream.split('-')[0])).toEqual(['wanted'])
  expect(reads).toBeLessThan(6)
})

test('concurrent requests for the end of the log share their reads', async () => {
  const cluster = await openProtocolCluster()
  const store = openEventStoreDBEventStore({ url: cluster.url })
  onTestFinished(async () => {
    await store.close()
    cluster.close()
  })
  const { position } = await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
  await Promise.all(Array.from({ length: 40 }, () => store.readBarrier()))
  let reads = 0
  cluster.nodes[0]?.faults.decide((method) => void (reads += Number(method === 'read')))
  const heads = await Promise.all(Array.from({ length: 20 }, () => store.head()))
  expect(new Set(heads)).toEqual(new Set([position]))
  expect(reads).toBeLessThan(10)
})
