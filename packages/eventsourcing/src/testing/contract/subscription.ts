import { expect, test } from 'vitest'
import type { EventStore } from '../../event-store.ts'
import { type Position, START } from '../../position.ts'
import type { ContractSubject } from './contract.ts'
import { isCaughtUp, listen, type Listener } from './listener.ts'
import { allOf, idsOf, sampleCategory, sampleEvent, sampleEvents, sampleStream, sampleType } from './sample.ts'

/** A subscription gives everything once and in order, whenever it begins and however often it begins again. */
export function subscriptionRules(subject: () => ContractSubject): void {
  test('delivers the history, reports that it caught up, then delivers new events', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const history = await write(store, { category, appends: 20, events: 3 })
    const listener = listen(store, { filter: { categories: [category] } })
    await listener.until(isCaughtUp)
    expect(idsOf(listener.events())).toEqual(history)
    const news = await write(store, { category, appends: 10, events: 2 })
    await listener.until(({ events }) => events().length >= history.length + news.length)
    expect(idsOf(listener.events())).toEqual([...history, ...news])
    await listener.stop()
  })

  test('starts after the given position', async () => {
    const { store } = subject()
    const category = sampleCategory()
    await write(store, { category, appends: 5, events: 1 })
    const after = await store.head()
    const rest = await write(store, { category, appends: 5, events: 1 })
    const listener = listen(store, { after, filter: { categories: [category] } })
    await listener.until(({ events }) => events().length >= rest.length)
    expect(idsOf(listener.events())).toEqual(rest)
    await listener.stop()
  })

  test('delivers every event once at the transition from history to new events, with concurrent writers', async () => {
    const { store, rounds } = subject()
    for (let round = 0; round < rounds; round += 1) {
      const category = sampleCategory()
      const writing = Promise.all([1, 2, 3].map((events) => write(store, { category, appends: 10, events })))
      if (round % 2 === 0) await new Promise((resolve) => setImmediate(resolve))
      const listener = listen(store, { filter: { categories: [category] } })
      await writing
      await listener.until(({ events }) => events().length >= 60)
      expect(idsOf(listener.events())).toEqual(await logOf(store, category))
      await listener.stop()
    }
  })

  test('without a filter delivers every event in the order of the log, with concurrent writers', async () => {
    const { store, rounds } = subject()
    for (let round = 0; round < rounds; round += 1) {
      const category = sampleCategory()
      const listener = listen(store, { after: await store.head() })
      const own = () => listener.events().filter(({ stream }) => stream.startsWith(`${category}-`))
      await Promise.all([1, 2, 3].map((events) => write(store, { category, appends: 10, events })))
      await listener.until(() => own().length >= 60)
      expect(idsOf(own())).toEqual(await logOf(store, category))
      await listener.stop()
    }
  })

  test('loses and repeats no event when it restarts repeatedly, with concurrent writers', async () => {
    const { store, rounds } = subject()
    const category = sampleCategory()
    const writing = Promise.all([1, 2, 3, 4].map((events) => write(store, { category, appends: rounds * 4, events })))
    const seen: string[] = []
    let after: Position = START
    while (seen.length < rounds * 40) {
      const part = await takeSome(store, { category, after, max: 1 + Math.floor(Math.random() * 25) })
      seen.push(...part.ids)
      after = part.position
    }
    await writing
    expect(seen).toEqual(await logOf(store, category))
  })

  test('reports that it caught up only when every event of the log has been delivered', async () => {
    const { store, rounds } = subject()
    for (let round = 0; round < rounds; round += 1) {
      const category = sampleCategory()
      const before = await write(store, { category, appends: 3, events: 2 })
      const during = write(store, { category, appends: 10, events: 1 })
      const listener = listen(store, { filter: { categories: [category] } })
      await listener.until(isCaughtUp)
      const said = listener.messages.findIndex(({ kind }) => kind === 'caughtUp')
      const given = listener.messages.slice(0, said).flatMap((each) => (each.kind === 'event' ? [each.event] : []))
      expect(idsOf(given).slice(0, before.length)).toEqual(before)
      await during
      await listener.until(({ events }) => events().length >= before.length + 10)
      expect(holdsAllUpTo(listener, await allOf(store.readAll({ filter: { categories: [category] } })))).toBe(true)
      await listener.stop()
    }
  })

  test('delivers new events after it has been idle', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const listener = listen(store, { after: await store.head(), filter: { categories: [category] } })
    await listener.until(isCaughtUp)
    for (let count = 1; count <= 3; count += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300))
      await write(store, { category, appends: 1, events: 1 })
      await listener.until(({ events }) => events().length >= count)
    }
    await listener.stop()
  })

  test('delivers only the requested categories, and advances past the others', async () => {
    const { store, many } = subject()
    const [wanted, other] = [sampleCategory(), sampleCategory()]
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) {
      ids.push(...(await write(store, { category: wanted, appends: 1, events: 1 })))
      await write(store, { category: other, appends: 15, events: many })
    }
    const head = await store.head()
    const listener = listen(store, { filter: { categories: [wanted] } })
    await listener.until(({ messages }) =>
      messages.some((message) => message.kind !== 'event' && message.position >= head),
    )
    expect(idsOf(listener.events())).toEqual(ids)
    await listener.stop()
  })

  test('delivers only the requested types of the requested categories, and advances past the others', async () => {
    const { store, many } = subject()
    const [category, other] = [sampleCategory(), sampleCategory()]
    const [wanted, also] = [sampleType(), sampleType()]
    const of: Record<'both' | 'byType', string[]> = { both: [], byType: [] }
    for (let count = 0; count < 5; count += 1) {
      const ofOther = sampleEvent({ type: wanted })
      await store.append(sampleStream(other), [ofOther, ...sampleEvents(90)], { expected: 'noStream' })
      const mixed = [sampleEvent(), sampleEvent({ type: wanted }), sampleEvent({ type: also }), sampleEvent()]
      await store.append(sampleStream(category), mixed, { expected: 'noStream' })
      const ofWanted = idsOf(mixed.slice(1, 3))
      of.byType.push(ofOther.id, ...ofWanted)
      of.both.push(...ofWanted)
      await write(store, { category, appends: 10, events: many })
    }
    const head = await store.head()
    const types = [wanted, also]
    for (const [filter, ids] of [
      [{ types }, of.byType],
      [{ types, categories: [category] }, of.both],
    ] as const) {
      const listener = listen(store, { filter })
      await listener.until(({ messages }) =>
        messages.some((message) => message.kind !== 'event' && message.position >= head),
      )
      expect(idsOf(listener.events())).toEqual(ids)
      expect(idsOf(await allOf(store.readAll({ filter })))).toEqual(ids)
      const backwards = await allOf(store.readAll({ filter, direction: 'backwards' }))
      expect(idsOf(backwards).toReversed()).toEqual(ids)
      await listener.stop()
    }
  })

  test('a read of the log ends at its signal without an error', async () => {
    const { store } = subject()
    const category = sampleCategory()
    await write(store, { category, appends: 3, events: 10 })
    for (const direction of ['forwards', 'backwards'] as const) {
      const stop = new AbortController()
      const request = { direction, filter: { categories: [category] }, signal: stop.signal }
      let given = 0
      for await (const _ of store.readAll(request)) if ((given += 1) === 5) stop.abort()
      expect(given).toBe(5)
      expect(await allOf(store.readAll(request))).toEqual([])
    }
  })

  test('delivers the requested types while others are written', async () => {
    const { store } = subject()
    const [category, type] = [sampleCategory(), sampleType()]
    const listeners = [{ types: [type] }, { types: [type], categories: [category] }].map((filter) =>
      listen(store, { filter }),
    )
    for (const listener of listeners) await listener.until(isCaughtUp)
    for (let count = 1; count <= 3; count += 1) {
      await write(store, { category, appends: 3, events: 2 })
      const both = [sampleEvent({ type }), sampleEvent()]
      await store.append(sampleStream(category), both, { expected: 'noStream' })
      for (const listener of listeners) await listener.until(({ events }) => events().length >= count)
    }
    for (const listener of listeners) {
      expect(listener.events().map((event) => event.type)).toEqual([type, type, type])
      await listener.stop()
    }
  })

  test('loses no event when it restarts at a position that it reported', async () => {
    const { store, many } = subject()
    const [wanted, other] = [sampleCategory(), sampleCategory()]
    for (let count = 0; count < 3; count += 1) {
      await write(store, { category: other, appends: 7, events: many })
      await write(store, { category: wanted, appends: 1, events: 1 })
    }
    const filter = { categories: [wanted] }
    const listener = listen(store, { filter })
    await listener.until(isCaughtUp)
    await listener.stop()
    const all = await allOf(store.readAll({ filter }))
    for (const [index, message] of listener.messages.entries()) {
      if (message.kind === 'event') continue
      const given = listener.messages.slice(0, index).filter(({ kind }) => kind === 'event').length
      const rest = await allOf(store.readAll({ filter, after: message.position }))
      expect(idsOf(rest)).toEqual(idsOf(all.slice(given)))
    }
  })

  test('waits for a slow consumer and loses no event', async () => {
    const { store } = subject()
    const category = sampleCategory()
    const writing = write(store, { category, appends: 40, events: 25 })
    const seen: string[] = []
    for await (const message of store.subscribe({ filter: { categories: [category] } })) {
      if (message.kind !== 'event') continue
      seen.push(message.event.id)
      if (seen.length % 100 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      if (seen.length === 1_000) break
    }
    expect(seen).toEqual(await writing)
  })

  test('ends without an error when its signal is aborted, and when the store is closed', async () => {
    const { store } = subject()
    const told = listen(store)
    await told.until(isCaughtUp)
    await told.stop()
    const stopped = new AbortController()
    stopped.abort()
    expect(await allOf(store.subscribe({ signal: stopped.signal }))).toEqual([])
    const left = listen(store)
    await left.until(isCaughtUp)
    await store.close()
    await expect(left.until(() => false)).rejects.toThrow('ended')
  })
}

interface Load {
  readonly category: string
  readonly appends: number
  readonly events: number
}

/** Writes one append after another to new streams; the ids in their order. */
async function write(store: EventStore, { category, appends, events }: Load): Promise<readonly string[]> {
  const ids: string[] = []
  for (let count = 0; count < appends; count += 1) {
    const batch = sampleEvents(events)
    await store.append(sampleStream(category), batch, { expected: 'noStream' })
    ids.push(...idsOf(batch))
  }
  return ids
}

async function logOf(store: EventStore, category: string): Promise<readonly string[]> {
  return idsOf(await allOf(store.readAll({ filter: { categories: [category] } })))
}

interface Part {
  readonly category: string
  readonly after: Position
  readonly max: number
}

/** Takes up to `max` messages and leaves; the position is where a restarted reader would go on. */
async function takeSome(store: EventStore, { category, after, max }: Part) {
  const ids: string[] = []
  let position = after
  let left = max
  for await (const message of store.subscribe({ after, filter: { categories: [category] } })) {
    if (message.kind === 'event') ids.push(message.event.id)
    position = message.kind === 'event' ? message.event.position : message.position
    left -= 1
    if (left === 0 || message.kind === 'caughtUp') break
  }
  return { ids, position }
}

/** Whether at each `caughtUp` every event up to its position had been given. */
function holdsAllUpTo(
  listener: Listener,
  all: readonly { readonly id: string; readonly position: Position }[],
): boolean {
  return listener.messages.every((message, index) => {
    if (message.kind !== 'caughtUp') return true
    const given = listener.messages.slice(0, index).filter(({ kind }) => kind === 'event').length
    return given === all.filter(({ position }) => position <= message.position).length
  })
}
