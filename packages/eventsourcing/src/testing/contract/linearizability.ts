import { expect, test } from 'vitest'
import { Conflict } from '../../errors.ts'
import type { AppendResult, EventStore } from '../../event-store.ts'
import type { ContractOptions, ContractSubject } from './contract.ts'
import { allOf, asWritten, idsOf, sampleCategory, sampleEvent, sampleEvents, sampleStream } from './sample.ts'

const WRITERS = 64

/** What holds when many write at once. */
export function linearizabilityRules(subject: () => ContractSubject, options: ContractOptions): void {
  test('of 64 writers that create one stream exactly one succeeds', async () => {
    const { store, rounds } = subject()
    for (let round = 0; round < rounds; round += 1) await raceForOneStream([store])
  })

  test('of 64 writers at one revision exactly one succeeds, in each round', async () => {
    const { store, rounds } = subject()
    const stream = sampleStream()
    await store.append(stream, sampleEvents(1), { expected: 'noStream' })
    for (let revision = 0n; revision < BigInt(rounds); revision += 1n) {
      const expected = revision
      const outcomes = await Promise.all(
        Array.from({ length: WRITERS }, () => outcomeOf(store.append(stream, sampleEvents(1), { expected }))),
      )
      expect(outcomes.filter((outcome) => outcome !== 'conflict').length).toBe(1)
    }
    expect((await store.read(stream)).length).toBe(rounds + 1)
  })

  const race = async () => {
    const { store, fixture, rounds } = subject()
    const stores = [store, await fixture.connect(), await fixture.connect()]
    for (let round = 0; round < rounds; round += 1) await raceForOneStream(stores)
  }
  if (options.manyWriters) test('of 64 writers on several handles exactly one wins', race)

  test('64 writers of 64 streams all succeed, each at a position of its own', async () => {
    const { store, rounds } = subject()
    const category = sampleCategory()
    const answers: AppendResult[] = []
    for (let round = 0; round < rounds; round += 1)
      answers.push(
        ...(await Promise.all(
          Array.from({ length: WRITERS }, () =>
            store.append(sampleStream(category), sampleEvents(1), { expected: 'noStream' }),
          ),
        )),
      )
    const positions = (await allOf(store.readAll({ filter: { categories: [category] } }))).map(
      ({ position }) => position,
    )
    expect(positions.length).toBe(WRITERS * rounds)
    expect(positions.every((position, index) => index === 0 || position > (positions[index - 1] ?? ''))).toBe(true)
    expect(answers.map(({ position }) => position).sort()).toEqual(positions)
  })

  test('the events of one append are contiguous, even with concurrent writers', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const appends = Array.from({ length: WRITERS }, (_, writer) =>
      Array.from({ length: 3 }, () => sampleEvent({ data: { writer } })),
    )
    await Promise.all(appends.map((events) => store.append(stream, events, { expected: 'any' })))
    const writers = (await store.read(stream)).map(({ data }) => data['writer'])
    for (let first = 0; first < writers.length; first += 3)
      expect(new Set(writers.slice(first, first + 3)).size).toBe(1)
    expect(new Set(writers).size).toBe(WRITERS)
  })

  test('no update is lost when writers read, increment and retry on conflict', async () => {
    const { store } = subject()
    const stream = sampleStream()
    await store.append(stream, [sampleEvent({ data: { count: 0 } })], { expected: 'noStream' })
    await Promise.all(Array.from({ length: 16 }, () => addTimes(store, stream, 5)))
    const [last] = await store.read(stream, { direction: 'backwards', max: 1 })
    expect(last).toMatchObject({ data: { count: 80 }, revision: 80n })
  })

  test('an append that starts after another was acknowledged is after it in the log', async () => {
    const { store, rounds } = subject()
    for (let round = 0; round < rounds; round += 1) {
      const noise = Array.from({ length: 8 }, () => store.append(sampleStream(), sampleEvents(1), { expected: 'any' }))
      const first = await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
      const second = await store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
      expect(second.position > first.position).toBe(true)
      await Promise.all(noise)
    }
  })
}

async function raceForOneStream(stores: readonly EventStore[]): Promise<void> {
  const stream = sampleStream()
  const events = Array.from({ length: WRITERS }, () => sampleEvent())
  const outcomes = await Promise.all(
    events.map((event, index) =>
      outcomeOf((stores[index % stores.length] as EventStore).append(stream, [event], { expected: 'noStream' })),
    ),
  )
  const winners = events.filter((_, index) => outcomes[index] !== 'conflict')
  expect(winners.length).toBe(1)
  const recorded = await (stores[0] as EventStore).read(stream)
  expect(recorded.map(asWritten)).toEqual(winners)
  expect(idsOf(recorded)).toEqual(idsOf(winners))
}

async function outcomeOf(append: Promise<AppendResult>): Promise<AppendResult | 'conflict'> {
  try {
    return await append
  } catch (error) {
    if (error instanceof Conflict) return 'conflict'
    throw error
  }
}

async function addTimes(store: EventStore, stream: string, times: number): Promise<void> {
  for (let done = 0; done < times;) {
    const [last] = await store.read(stream, { direction: 'backwards', max: 1 })
    if (last === undefined) throw new Error('the stream was opened')
    const event = sampleEvent({ data: { count: Number(last.data['count']) + 1 } })
    const outcome = await outcomeOf(store.append(stream, [event], { expected: last.revision }))
    if (outcome !== 'conflict') done += 1
  }
}
