import { expect, test } from 'vitest'
import { appendIdempotently } from '../../append.ts'
import { Conflict, UnknownOutcome } from '../../errors.ts'
import type { ExpectedRevision } from '../../event-store.ts'
import type { ContractSubject } from './contract.ts'
import { idsOf, sampleEvent, sampleEvents, sampleStream } from './sample.ts'

/** The same events at the same expected revision are the same append. */
export function idempotencyRules(subject: () => ContractSubject): void {
  test.each<ExpectedRevision>(['noStream', 2n])(
    'an append repeated with expected %s answers as the first time, also after others wrote',
    async (expected) => {
      const { store } = subject()
      const stream = sampleStream()
      if (expected === 2n) await store.append(stream, sampleEvents(3), { expected: 'noStream' })
      const events = sampleEvents(3)
      const first = await store.append(stream, events, { expected })
      expect(await store.append(stream, events, { expected })).toEqual(first)
      await store.append(stream, sampleEvents(5), { expected: first.revision })
      const length = (await store.read(stream)).length
      expect(await store.append(stream, events, { expected })).toEqual(first)
      expect((await store.read(stream)).length).toBe(length)
    },
  )

  test.each<ExpectedRevision>(['any', 'exists'])(
    'an append repeated at once with expected %s writes nothing again',
    async (expected) => {
      const { store } = subject()
      const stream = sampleStream()
      await store.append(stream, sampleEvents(2), { expected: 'noStream' })
      const events = sampleEvents(2)
      const first = await store.append(stream, events, { expected })
      expect(await store.append(stream, events, { expected })).toEqual(first)
      expect((await store.read(stream)).length).toBe(4)
    },
  )

  test('the first payload stays when the same ids are appended with a different one', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const event = sampleEvent({ data: { payload: 'first' } })
    const first = await store.append(stream, [event], { expected: 'noStream' })
    const second = await store.append(stream, [{ ...event, data: { payload: 'second' } }], { expected: 'noStream' })
    expect(second).toEqual(first)
    expect((await store.read(stream)).map(({ data }) => data)).toEqual([{ payload: 'first' }])
  })

  test('ids that match in part are a conflict', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const [one, two, three] = [sampleEvent(), sampleEvent(), sampleEvent()]
    await store.append(stream, [one, two], { expected: 'noStream' })
    const overlaps = [[one, three], [three, two], [one, two, three], [two], [two, one]]
    for (const events of overlaps)
      await expect(store.append(stream, events, { expected: 'noStream' })).rejects.toThrow(Conflict)
    expect(idsOf(await store.read(stream))).toEqual([one.id, two.id])
  })

  test('the first events of an append alone are a repetition of it', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const [one, two] = [sampleEvent(), sampleEvent()]
    await store.append(stream, [one, two], { expected: 'noStream' })
    expect(await store.append(stream, [one], { expected: 'noStream' })).toMatchObject({ revision: 0n })
    expect(await store.append(stream, [two], { expected: 0n })).toMatchObject({ revision: 1n })
  })

  test('the same ids at another revision are a conflict or a new append, never a silent success', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const event = sampleEvent()
    await store.append(stream, [event], { expected: 'noStream' })
    await store.append(stream, sampleEvents(1), { expected: 0n })
    await expect(store.append(stream, [event], { expected: 0n })).rejects.toThrow(Conflict)
  })

  test('the same id may be used in two streams', async () => {
    const { store } = subject()
    const event = sampleEvent()
    const streams = [sampleStream(), sampleStream()]
    for (const stream of streams) await store.append(stream, [event], { expected: 'noStream' })
    for (const stream of streams) expect(idsOf(await store.read(stream))).toEqual([event.id])
    const third = sampleStream()
    for (const stream of [...streams, third]) await store.append(stream, [event], { expected: 'any' })
    expect((await store.read(third)).length).toBe(1)
  })

  test('64 concurrent copies of one append are written once', async () => {
    const { store, rounds } = subject()
    for (let round = 0; round < rounds; round += 1) {
      const stream = sampleStream()
      const events = sampleEvents(2)
      const answers = await Promise.all(
        Array.from({ length: 64 }, () => store.append(stream, events, { expected: 'noStream' })),
      )
      expect(new Set(answers.map(({ position }) => position)).size).toBe(1)
      expect(idsOf(await store.read(stream))).toEqual(idsOf(events))
    }
  })

  test('repeating an append whose answer was lost returns its result', async () => {
    const { store } = subject()
    const stream = sampleStream()
    const event = sampleEvent()
    let lost = 0
    const forgetful = {
      async append(...args: Parameters<typeof store.append>) {
        const answer = await store.append(...args)
        if (lost < 2) throw new UnknownOutcome(`lost answer ${(lost += 1)}`)
        return answer
      },
    }
    expect(await appendIdempotently(forgetful, stream, [event], { expected: 'noStream' })).toMatchObject({
      revision: 0n,
    })
    expect(idsOf(await store.read(stream))).toEqual([event.id])
  })
}
