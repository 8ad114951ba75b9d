import { expect, test } from 'vitest'
import { StreamNotFound } from '../../errors.ts'
import type { ReadOptions } from '../../event-store.ts'
import { START } from '../../position.ts'
import type { ContractOptions, ContractSubject } from './contract.ts'
import { allOf, asWritten, idsOf, sampleCategory, sampleEvent, sampleEvents, sampleStream } from './sample.ts'

const DAY_MS = 86_400_000

/** Events come back as they were written and in the order they were written. */
export function sequenceRules(subject: () => ContractSubject, options: ContractOptions): void {
  test('an event is returned with its id, type, data and metadata', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const data = { text: 'é\u0000\u2028"\\', nested: { list: [1, 2.5, null, true, { deep: '🦊' }] }, empty: {} }
    const event = sampleEvent({ data, metadata: { $correlationId: 'c', $causationId: 'd', schema: 1 } })
    await store.append(stream, [event], { expected: 'noStream' })
    const [recorded] = await store.read(stream)
    expect(recorded && asWritten(recorded)).toEqual(event)
    expect(recorded).toMatchObject({ stream, revision: 0n })
    expect(Math.abs((recorded?.created ?? 0) - Date.now())).toBeLessThan(DAY_MS)
  })

  test('a member that is undefined is omitted', async () => {
    const { store } = subject()
    const stream = sampleStream()
    await store.append(stream, [sampleEvent({ data: { here: 1, gone: undefined } })], { expected: 'noStream' })
    const [recorded] = await store.read(stream)
    expect(Object.keys(recorded?.data ?? {})).toEqual(['here'])
  })

  test('changing an event after it was appended or read does not change the log', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const data = { value: 'first' }
    await store.append(stream, [sampleEvent({ data })], { expected: 'noStream' })
    data.value = 'changed by its writer'
    const [before] = await store.read(stream, { direction: 'backwards', max: 1 })
    try {
      Object.assign(before?.data ?? {}, { value: 'changed by a reader' })
    } catch {
      // a store may as well refuse it
    }
    const [after] = await store.read(stream, { direction: 'backwards', max: 1 })
    expect(after?.data).toEqual({ value: 'first' })
  })

  test('an append returns the revision and position of its last event', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const first = await store.append(stream, sampleEvents(3), { expected: 'noStream' })
    const second = await store.append(stream, sampleEvents(2), { expected: first.revision })
    const events = await store.read(stream)
    expect(first).toEqual({ revision: 2n, position: events[2]?.position })
    expect(second).toEqual({ revision: 4n, position: events[4]?.position })
  })

  test('revisions count from zero without a gap', async () => {
    const { store } = subject()
    const stream = sampleStream()
    for (let count = 1; count <= 4; count += 1) await store.append(stream, sampleEvents(count), { expected: 'any' })
    const revisions = (await store.read(stream)).map(({ revision }) => revision)
    expect(revisions).toEqual([0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n, 9n])
  })

  test('a stream can be read in both directions, from a revision, up to a maximum', async () => {
    const { store } = subject()
    const stream = sampleStream()
    await store.append(stream, sampleEvents(10), { expected: 'noStream' })
    const revisions = async (readOptions: ReadOptions) =>
      (await store.read(stream, readOptions)).map(({ revision }) => Number(revision))
    expect(await revisions({ max: 3 })).toEqual([0, 1, 2])
    expect(await revisions({ from: 7n })).toEqual([7, 8, 9])
    expect(await revisions({ from: 4n, max: 2 })).toEqual([4, 5])
    expect(await revisions({ direction: 'backwards', max: 2 })).toEqual([9, 8])
    expect(await revisions({ direction: 'backwards', from: 2n })).toEqual([2, 1, 0])
    expect(await revisions({ direction: 'backwards', from: 5n, max: 2 })).toEqual([5, 4])
  })

  test('a read after the last revision returns nothing, a read of a stream without events is refused', async () => {
    const { store } = subject()
    const stream = sampleStream()
    await expect(store.read(stream)).rejects.toThrow(StreamNotFound)
    await store.append(stream, sampleEvents(2), { expected: 'noStream' })
    expect(await store.read(stream, { from: 2n })).toEqual([])
    await expect(store.read(`${stream}x`, { direction: 'backwards', max: 1 })).rejects.toThrow(StreamNotFound)
  })

  test('a stream that was read before its first append is visible once an append is acknowledged', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const last = { direction: 'backwards', max: 1 } as const
    for (let times = 0; times < 2; times += 1) await expect(store.read(stream, last)).rejects.toThrow(StreamNotFound)
    const events = sampleEvents(40)
    await store.append(stream, events, { expected: 'noStream' })
    expect(idsOf(await store.read(stream, last))).toEqual(idsOf(events.slice(-1)))
    expect(idsOf(await store.read(stream))).toEqual(idsOf(events))
  })

  test('a read includes every append that was acknowledged before', async () => {
    const { store, rounds } = subject()
    const stream = sampleStream()
    for (let round = 0; round < rounds * 5; round += 1) {
      const event = sampleEvent()
      await store.append(stream, [event], { expected: 'any' })
      const [last] = await store.read(stream, { direction: 'backwards', max: 1 })
      expect(last?.id).toBe(event.id)
    }
  })

  test('the whole log is read in commit order, each stream in the order of its revisions', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const streams = Array.from({ length: 5 }, () => sampleStream(category))
    await Promise.all(
      streams.flatMap((stream) =>
        [1, 2, 3].map((count) => store.append(stream, sampleEvents(count), { expected: 'any' })),
      ),
    )
    const all = await allOf(store.readAll({ filter: { categories: [category] } }))
    expect(all.length).toBe(30)
    expect(all.map(({ position }) => position)).toEqual(all.map(({ position }) => position).sort())
    for (const stream of streams)
      expect(idsOf(all.filter((event) => event.stream === stream))).toEqual(idsOf(await store.read(stream)))
  })

  test('the whole log can be read after a position, exclusive, in both directions', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const filter = { categories: [category] }
    for (let count = 0; count < 9; count += 1)
      await store.append(sampleStream(category), sampleEvents(1), { expected: 'noStream' })
    const all = await allOf(store.readAll({ filter }))
    const middle = all[4]
    if (middle === undefined) throw new Error('nine events were appended')
    const after = middle.position
    expect(await allOf(store.readAll({ filter, after }))).toEqual(all.slice(5))
    expect(await allOf(store.readAll({ filter, after, max: 2 }))).toEqual(all.slice(5, 7))
    expect(await allOf(store.readAll({ filter, after, direction: 'backwards' }))).toEqual(all.slice(0, 4).reverse())
    expect(await allOf(store.readAll({ filter, direction: 'backwards', max: 3 }))).toEqual(all.slice(6).reverse())
  })

  test('the head is the position of the last event', async () => {
    const { store } = subject()
    if (options.startsEmpty) expect(await store.head()).toBe(START)
    const before = await store.head()
    const { position } = await store.append(sampleStream(), sampleEvents(3), { expected: 'noStream' })
    expect(await store.head()).toBe(position)
    expect(position > before).toBe(true)
  })

  test('categories end at the first dash and do not match by prefix', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const streams = [`${category}-1`, `${category}x-1`, `${category}`, `${category}-a-b`, `x${category}-1`]
    for (const stream of streams) await store.append(stream, sampleEvents(1), { expected: 'noStream' })
    const seen = await allOf(store.readAll({ filter: { categories: [category] } }))
    expect(seen.map(({ stream }) => stream)).toEqual([`${category}-1`, category, `${category}-a-b`])
  })

  test('a long log is read page by page without loss', async () => {
    const { store, many } = subject()
    const category = sampleCategory()
    for (let count = 0; count < 30; count += 1)
      await store.append(sampleStream(category), sampleEvents(many), { expected: 'noStream' })
    const filter = { categories: [category] }
    const forwards = idsOf(await allOf(store.readAll({ filter })))
    expect(new Set(forwards).size).toBe(30 * many)
    expect(idsOf(await allOf(store.readAll({ filter, direction: 'backwards' })))).toEqual(forwards.toReversed())
  })
}
