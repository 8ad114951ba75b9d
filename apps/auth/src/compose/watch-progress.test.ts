import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { openProtocolCluster } from '@ledgate/eventstore-eventstoredb/testing'
import { inMemorySealer } from '@ledgate/vault/testing'
import { expect, it, onTestFinished, vi } from 'vitest'
import type { DomainEvent } from '../catalogue/index.ts'
import { readiness } from '../health/index.ts'
import { toNewEvent } from '../testing/history.ts'
import { createHandClock } from '../testing/parts.ts'
import { openHearings } from './hearings.ts'
import { createProgressReporter } from './watch-progress.ts'
import { checksOf } from './readings.ts'
import { openLocalViews } from './views.ts'

const EVENTS = 40

async function write(store: EventStore): Promise<void> {
  for (let index = 0; index < EVENTS; index += 1) {
    const event = {
      type: 'ServiceTokenRevoked',
      data: { jti: `t${index}`, client_id: 'b', exp: 1 },
    } satisfies DomainEvent
    const step = { stream: `service-b-t${index}`, event, actor: { type: 'system', id: 'test' } as const }
    await store.append(step.stream, [toNewEvent(step, index)], { expected: 'noStream' })
  }
}

/** A replica without views on a log that gives so many events for the time being. */
async function newReplica(store: EventStore, first: number) {
  const more = Promise.withResolvers<void>()
  const held: EventStore = {
    ...store,
    async *subscribe(options) {
      let given = 0
      for await (const message of store.subscribe(options)) {
        if (given === first) await more.promise
        if (message.kind === 'event') given += 1
        yield message
      }
    },
  }
  const folder = mkdtempSync(join(tmpdir(), 'ledgate-progress-'))
  const views = await openLocalViews({ viewsFile: join(folder, 'views.db'), store: held, sealer: inMemorySealer() })
  onTestFinished(async () => {
    more.resolve()
    await views.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const clock = createHandClock()
  const lines: (readonly [object, string])[] = []
  const logger = { info: (fields: object, text: string) => void lines.push([fields, text]) }
  const tell = createProgressReporter({ views, logger: logger as never, nowMs: clock.nowMs })
  const health = () => ({ ok: true }) as const
  const hearings = openHearings({ warn: () => undefined }, clock.nowMs)
  const ready = readiness(checksOf({ store: { ...store, health } as never, views, hearings, clock }))
  return { views, clock, lines, tell, ready, giveAll: more.resolve }
}

it.each([0, 25])(
  'a new replica that was given %i events is not ready, tells of its progress, and is ready at the end',
  async (first) => {
    const store = inMemoryEventStore()
    await write(store)
    const { views, clock, lines, tell, ready, giveAll } = await newReplica(store, first)
    await vi.waitFor(() => expect(views.health().map(({ events }) => events)).toEqual(views.health().map(() => first)))
    const names = views.health().map(({ name }) => name)
    for (let seconds = 0; seconds < 11; seconds += 1) {
      tell()
      clock.advance(1)
    }
    expect(lines.map(([, text]) => text)).toEqual(Array.from({ length: 3 }, () => 'building the views from the log'))
    expect(lines[0]?.[0]).toMatchObject({ progress: names.map((view) => ({ view, events: first })) })
    expect(ready.problems()).toEqual({ views: names.map((name) => `${name} is building`).join(', ') })
    giveAll()
    await vi.waitFor(() => expect(ready.problems()).toEqual({}))
    tell()
    tell()
    expect(lines.slice(3)).toEqual([[{ seconds: 11 }, 'the views have caught up with the log']])
    expect(views.health().map(({ events }) => events)).toEqual(names.map(() => EVENTS))
  },
)

it('says nothing where the views were at the end already', async () => {
  const store = inMemoryEventStore()
  const { views, lines, tell, giveAll } = await newReplica(store, 1)
  giveAll()
  await vi.waitFor(() => expect(views.health().every(({ isServedLive }) => isServedLive)).toBe(true))
  tell()
  expect(lines).toEqual([])
})

it('a replica of a cluster whose leader has no majority is not ready, whatever it was given', async () => {
  const cluster = await openProtocolCluster({ nodes: 3 })
  const store = openEventStoreDBEventStore({ url: cluster.url, attemptMs: 300 })
  onTestFinished(async () => {
    await store.close()
    cluster.close()
  })
  await write(store)
  for (const index of [1, 2]) cluster.nodes[index]?.lag(true)
  const { views, ready, giveAll } = await newReplica(store, 0)
  giveAll()
  await vi.waitFor(() => expect(views.health().every(({ events }) => events === EVENTS)).toBe(true))
  expect(ready.problems()).not.toEqual({})
  for (const index of [1, 2]) cluster.nodes[index]?.lag(false)
  await vi.waitFor(() => expect(ready.problems()).toEqual({}))
})
