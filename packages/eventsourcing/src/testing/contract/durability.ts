import { expect, test } from 'vitest'
import { Conflict } from '../../errors.ts'
import type { ContractSubject } from './contract.ts'
import { allOf, sampleCategory, sampleEvents, sampleStream } from './sample.ts'

/** What holds for a log that outlives its handles. */
export function durabilityRules(subject: () => ContractSubject): void {
  test('every event is unchanged after the log is reopened', async () => {
    const { store, fixture } = subject()
    const filter = { categories: [sampleCategory()] }
    const streams = Array.from({ length: 50 }, () => sampleStream(filter.categories[0]))
    await Promise.all(streams.map((stream) => store.append(stream, sampleEvents(7), { expected: 'noStream' })))
    const [events, head] = [await allOf(store.readAll({ filter })), await store.head()]
    await store.close()
    const reopened = await fixture.connect()
    expect(await allOf(reopened.readAll({ filter }))).toEqual(events)
    expect(await reopened.head()).toBe(head)
  })

  test('expectations and repetitions are checked the same way after the log is reopened', async () => {
    const { store, fixture } = subject()
    const stream = sampleStream()
    const events = sampleEvents(3)
    const first = await store.append(stream, events, { expected: 'noStream' })
    await store.close()
    const reopened = await fixture.connect()
    expect(await reopened.append(stream, events, { expected: 'noStream' })).toEqual(first)
    await expect(reopened.append(stream, sampleEvents(1), { expected: 'noStream' })).rejects.toThrow(Conflict)
    const next = await reopened.append(stream, sampleEvents(1), { expected: first.revision })
    expect(next.revision).toBe(3n)
    expect(next.position > first.position).toBe(true)
  })

  test('appends that are running when the store is closed succeed, and are in the log', async () => {
    const { store, fixture } = subject()
    const streams = Array.from({ length: 300 }, () => sampleStream())
    const answers = Promise.all(
      streams.map((stream) => store.append(stream, sampleEvents(1), { expected: 'noStream' })),
    )
    await store.close()
    expect((await answers).length).toBe(300)
    const reopened = await fixture.connect()
    for (const stream of streams) expect((await reopened.read(stream)).length).toBe(1)
  })

  test('a subscription on the reopened log resumes at its position', async () => {
    const { store, fixture } = subject()
    const filter = { categories: [sampleCategory()] }
    const append = (to: typeof store) =>
      to.append(sampleStream(filter.categories[0]), sampleEvents(3), { expected: 'noStream' })
    const { position } = await append(store)
    await store.close()
    const reopened = await fixture.connect()
    await append(reopened)
    const seen: bigint[] = []
    for await (const message of reopened.subscribe({ after: position, filter })) {
      if (message.kind === 'caughtUp') break
      if (message.kind === 'event') seen.push(message.event.revision)
    }
    expect(seen).toEqual([0n, 1n, 2n])
  })
}
