import { describe, expect, test } from 'vitest'
import { Conflict, TooLarge, Unavailable } from '../../errors.ts'
import { MAX_EVENT_BYTES, MAX_EVENTS_PER_APPEND, type ExpectedRevision } from '../../event-store.ts'
import type { ContractSubject } from './contract.ts'
import { allOf, idsOf, sampleCategory, sampleEvent, sampleEvents, sampleStream } from './sample.ts'

interface Row {
  readonly expected: ExpectedRevision
  readonly onNothing: 'written' | 'conflict'
  readonly onThreeEvents: 'written' | 'conflict'
}

const EXPECTATIONS: readonly Row[] = [
  { expected: 'noStream', onNothing: 'written', onThreeEvents: 'conflict' },
  { expected: 'exists', onNothing: 'conflict', onThreeEvents: 'written' },
  { expected: 'any', onNothing: 'written', onThreeEvents: 'written' },
  { expected: 0n, onNothing: 'conflict', onThreeEvents: 'conflict' },
  { expected: 1n, onNothing: 'conflict', onThreeEvents: 'conflict' },
  { expected: 2n, onNothing: 'conflict', onThreeEvents: 'written' },
  { expected: 3n, onNothing: 'conflict', onThreeEvents: 'conflict' },
  { expected: BigInt(Number.MAX_SAFE_INTEGER), onNothing: 'conflict', onThreeEvents: 'conflict' },
]

/** What is let in and what is kept out. */
export function boundaryRules(subject: () => ContractSubject): void {
  describe.each(EXPECTATIONS)('expecting $expected', ({ expected, onNothing, onThreeEvents }) => {
    test(`on a stream without events: ${onNothing}`, async () => {
      const { store } = subject()
      const append = store.append(sampleStream(), sampleEvents(2), { expected })
      if (onNothing === 'written') expect(await append).toMatchObject({ revision: 1n })
      else await expect(append).rejects.toMatchObject({ code: 'ERR_CONFLICT', actual: 'noStream' })
    })

    test(`on a stream with three events: ${onThreeEvents}`, async () => {
      const { store } = subject()
      const stream = sampleStream()
      await store.append(stream, sampleEvents(3), { expected: 'noStream' })
      const append = store.append(stream, sampleEvents(2), { expected })
      if (onThreeEvents === 'written') expect(await append).toMatchObject({ revision: 4n })
      else await expect(append).rejects.toMatchObject({ code: 'ERR_CONFLICT', actual: 2n, stream })
    })
  })

  test('a conflict does not change the log', async () => {
    const { store } = subject()
    const stream = sampleStream()
    await store.append(stream, sampleEvents(1), { expected: 'noStream' })
    const head = await store.head()
    await expect(store.append(stream, sampleEvents(5), { expected: 'noStream' })).rejects.toThrow(Conflict)
    await expect(store.append(sampleStream(), sampleEvents(5), { expected: 0n })).rejects.toThrow(Conflict)
    expect(await store.head()).toBe(head)
    expect((await store.read(stream)).length).toBe(1)
  })

  test('an append at the revision that a conflict reports succeeds', async () => {
    const { store } = subject()
    const stream = sampleStream()
    await store.append(stream, sampleEvents(4), { expected: 'noStream' })
    const conflict = await store.append(stream, sampleEvents(1), { expected: 0n }).catch((error: unknown) => error)
    if (!(conflict instanceof Conflict) || conflict.actual === 'noStream') throw new Error('expected a conflict')
    expect(await store.append(stream, sampleEvents(1), { expected: conflict.actual })).toMatchObject({ revision: 4n })
  })

  test('an append without events is refused', async () => {
    const { store } = subject()
    await expect(store.append(sampleStream(), [], { expected: 'any' })).rejects.toThrow(TypeError)
  })

  test.each(['', '$system', 'a\u0000b', 'line\nbreak', 'lone \ud800 surrogate', 'x'.repeat(256)])(
    'the stream name %j is refused',
    async (name) => {
      const { store } = subject()
      await expect(store.append(name, sampleEvents(1), { expected: 'any' })).rejects.toThrow(TypeError)
    },
  )

  test('an event with an invalid id or type is refused', async () => {
    const { store } = subject()
    const refused = [{ id: 'x' }, { id: sampleEvent().id.toUpperCase() }, { type: '' }, { type: '$reserved' }]
    for (const parts of refused)
      await expect(store.append(sampleStream(), [sampleEvent(parts)], { expected: 'any' })).rejects.toThrow(TypeError)
  })

  test('names in any script are kept unchanged, even if they look alike', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const names = ['é', 'e\u0301', 'É', '用户', '🦊', 'a b', "o'hara", '%', '_', 'a"b', `${'x'.repeat(200)}`]
    for (const name of names) await store.append(`${category}-${name}`, sampleEvents(1), { expected: 'noStream' })
    const seen = await allOf(store.readAll({ filter: { categories: [category] } }))
    expect(seen.map(({ stream }) => stream)).toEqual(names.map((name) => `${category}-${name}`))
    for (const name of names) expect((await store.read(`${category}-${name}`)).length).toBe(1)
  })

  test('an event of the largest size is accepted, one byte more is refused', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const room = MAX_EVENT_BYTES - JSON.stringify({ text: '' }).length - JSON.stringify({}).length
    const ofSize = (size: number) =>
      sampleEvent({ data: { text: 'é'.repeat(8) + 'x'.repeat(size - 16) }, metadata: {} })
    const greatest = ofSize(room)
    await store.append(stream, [greatest], { expected: 'noStream' })
    expect((await store.read(stream))[0]?.data).toEqual(greatest.data)
    await expect(store.append(stream, [ofSize(room + 1)], { expected: 0n })).rejects.toThrow(TooLarge)
  })

  test('an append with the largest number of events is accepted, one event more is refused', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const events = sampleEvents(MAX_EVENTS_PER_APPEND)
    const tooMany = store.append(stream, [...events, sampleEvent()], { expected: 'noStream' })
    await expect(tooMany).rejects.toThrow(TooLarge)
    await store.append(stream, events, { expected: 'noStream' })
    expect(idsOf(await store.read(stream))).toEqual(idsOf(events))
  })

  test('a closed store refuses appends and reads, and can be closed again', async () => {
    const { store } = subject()
    const underWay = store.append(sampleStream(), sampleEvents(1), { expected: 'noStream' })
    await store.close()
    await store.close()
    expect(await underWay).toMatchObject({ revision: 0n })
    await expect(store.append(sampleStream(), sampleEvents(1), { expected: 'any' })).rejects.toThrow(Unavailable)
    await expect(store.read(sampleStream())).rejects.toThrow(Unavailable)
  })
}
