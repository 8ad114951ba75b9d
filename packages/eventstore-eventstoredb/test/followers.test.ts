import { setTimeout as pause } from 'node:timers/promises'
import {
  type EventFilter,
  type EventStore,
  matchesFilter,
  type Position,
  START,
  type SubscriptionMessage,
} from '@ledgate/eventsourcing'
import { sampleEvent, sampleStream } from '@ledgate/eventsourcing/testing'
import { expect, onTestFinished, test, vi } from 'vitest'
import { controls, rounds } from '../../../rounds.ts'
import { openEventStoreDBEventStore } from '../src/index.ts'
import { type Limits, openProtocolCluster, seeded, type StoredEvent, trouble } from '../src/testing/index.ts'
import { naiveFollower } from './naive-follower.ts'

/** Of a cluster thirty times as fast as a real one; those of the client are between them. */
const LIMITS: Partial<Limits> = {
  electionMs: 120,
  staleMs: 80,
  lostMs: 30,
  preLeaderMs: 5,
  changingMs: 10,
  restartMs: 50,
  commitTimeoutMs: 120,
}
const CLIENT = { attemptMs: 250, settleMs: 50, idleMs: 150 }
/** Longer than every limit above. */
const LONGEST_MS = 900

const FILTERS: readonly (EventFilter | undefined)[] = [
  undefined,
  { categories: ['one'] },
  { types: ['Wanted'] },
  { categories: ['one'], types: ['Wanted'] },
]

type Subscribing = Pick<EventStore, 'subscribe'>

/** Follows the log over any number of restarts of its own, and keeps what it was given. */
function follow(store: Subscribing, filter: EventFilter | undefined, random: () => number) {
  const messages: SubscriptionMessage[] = []
  const stop = new AbortController()
  let restart = new AbortController()
  let after: Position = START
  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const signal = AbortSignal.any([stop.signal, restart.signal])
      for await (const message of store.subscribe({ after, signal, ...(filter && { filter }) })) {
        messages.push(message)
        after = message.kind === 'event' ? message.event.position : message.position
      }
    }
  }
  const running = run()
  running.catch(() => undefined)
  return {
    messages,
    /** Where it would begin if it were begun anew. */
    reached: () => after,
    ids: () => messages.flatMap((message) => (message.kind === 'event' ? [message.event.id] : [])),
    /** Now and then its process is another one. */
    maybeRestart() {
      if (random() > 0.2) return
      restart.abort()
      restart = new AbortController()
    },
    async stop() {
      stop.abort()
      await running
    },
  }
}

interface Walk {
  readonly seed: number
  /** How the log is followed. */
  following(url: string): { readonly store: Subscribing; close(): Promise<void> }
}

const asListed = ({ stream, type }: StoredEvent) => ({ stream, type })

/** Three nodes in trouble under three writers; @returns what was acknowledged, what the log has, and what each follower was given. */
async function walk(
  count: number,
  { seed, following }: Walk,
  look: (round: number, found: Found) => void,
): Promise<void> {
  const random = seeded(seed)
  const cluster = await openProtocolCluster({ nodes: 3, limits: LIMITS })
  onTestFinished(() => cluster.close())
  const misfortune = trouble(cluster, { random, longestMs: LONGEST_MS })
  const stores = [1, 2, 3].map(() => openEventStoreDBEventStore({ url: cluster.url, ...CLIENT }))
  const subscribers = FILTERS.map(() => following(cluster.url))
  onTestFinished(async () => void (await Promise.all([...stores, ...subscribers].map((each) => each.close()))))
  const followers = subscribers.map(({ store }, index) => follow(store, FILTERS[index], random))
  onTestFinished(async () => void (await Promise.all(followers.map((each) => each.stop().catch(() => undefined)))))
  const acknowledged: string[] = []

  async function write(store: EventStore, category: string): Promise<void> {
    const event = sampleEvent({ type: random() < 0.5 ? 'Wanted' : 'Other' })
    const answer = await store.append(sampleStream(category), [event], { expected: 'noStream' }).catch(() => undefined)
    if (answer) acknowledged.push(event.id)
  }

  for (let round = 1; round <= count; round += 1) {
    let isOver = false
    const writing = stores.map(async (store, index) => {
      while (!isOver) {
        await write(store, index === 0 ? 'one' : 'other')
        await pause(10)
      }
    })
    for (let each = 0; each < 4; each += 1) {
      misfortune.next()
      followers.forEach((follower) => follower.maybeRestart())
      await pause(random() * 300)
    }
    await misfortune.heal()
    isOver = true
    await Promise.all(writing)
    const last = sampleEvent({ type: 'Wanted' })
    const stream = sampleStream('one')
    const written = await vi.waitFor(() => stores[0]?.append(stream, [last], { expected: 'noStream' }), { interval: 5 })
    acknowledged.push(last.id)
    await vi.waitUntil(() => followers.every(({ reached }) => reached() >= (written?.position ?? START)), {
      interval: 5,
    })
    const log = cluster.log.own.filter(({ stream }) => !stream.startsWith('lease-'))
    look(round, { acknowledged, log, followers })
  }
}

interface Found {
  readonly acknowledged: readonly string[]
  readonly log: readonly StoredEvent[]
  readonly followers: readonly ReturnType<typeof follow>[]
}

const idsFor = (log: readonly StoredEvent[], filter: EventFilter | undefined) =>
  log.filter((event) => matchesFilter(filter, asListed(event))).map(({ id }) => id)

/** Nothing acknowledged is missing, and every follower has what the log has; what caught up had everything up to there. */
function isWhole(told: string, { acknowledged, log, followers }: Found): void {
  const ids = new Set(log.map(({ id }) => id))
  expect(
    acknowledged.filter((id) => !ids.has(id)),
    told,
  ).toEqual([])
  for (const [index, { messages, ids: given }] of followers.entries()) {
    const which = `${told}, ${JSON.stringify(FILTERS[index])}`
    expect(given(), which).toEqual(idsFor(log, FILTERS[index]))
    const last = messages.findLastIndex(({ kind }) => kind === 'caughtUp')
    const said = messages[last]
    if (said?.kind !== 'caughtUp') continue
    const before = messages.slice(0, last).filter(({ kind }) => kind === 'event').length
    const upTo = messages.filter((each) => each.kind === 'event' && each.event.position <= said.position).length
    expect(before, which).toBe(upTo)
  }
}

const following = (url: string) => {
  const store = openEventStoreDBEventStore({ url, ...CLIENT })
  return { store, close: store.close }
}

test('with any faults of the nodes, acknowledged events stay, and every follower gets all of them, once and in order', async () => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
  const count = rounds({ quick: 2, long: 100 })
  // Most of a walk is waiting.
  const walks = Array.from({ length: rounds({ quick: 1, long: 3 }) }, (_, index) => ({ seed: seed + index, following }))
  await Promise.all(
    walks.map((each) => walk(count, each, (round, found) => isWhole(`seed ${each.seed}, round ${round}`, found))),
  )
}, 1_200_000)

controls(() =>
  test('control: a follower that trusts its client and the head loses events', async () => {
    const naively = (url: string) => {
      const store = openEventStoreDBEventStore({ url, ...CLIENT })
      const naive = naiveFollower({ url, ...CLIENT, head: () => store.head() })
      return { store: naive, close: async () => void (await Promise.all([naive.close(), store.close()])) }
    }
    let lost = 0
    for (let seed = 1; seed <= 20 && lost === 0; seed += 1)
      await walk(10, { seed, following: naively }, (_, { log, followers }) => {
        const given = new Set(followers[0]?.ids())
        lost += log.filter(({ id }) => !given.has(id)).length
        // One that has become deaf for ever has lost what came since, too: the walk waits for it in vain.
      }).catch(() => void (lost += 1))
    expect(lost).toBeGreaterThan(0)
  }, 1_200_000),
)
