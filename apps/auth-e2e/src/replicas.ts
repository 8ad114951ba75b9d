import { randomBytes } from 'node:crypto'
import { openEventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { spawnProtocolServer } from '@ledgate/eventstore-eventstoredb/testing'
import type { EventStore, RecordedEvent } from '@ledgate/eventsourcing'
import { endOfNow } from './at-end.ts'
import { type Installation, newInstallation } from './server.ts'

/** One issuer for all: no one asks it, and every replica speaks for it. */
export const ISSUER = 'https://id.example'

/** Data folders and ports of processes that share one store. */
export interface Replicas {
  readonly all: readonly Installation[]
  readonly url: string
  /** Whether the store had no installation before. A real one keeps what earlier runs wrote. */
  readonly isNew: boolean
  /** Every event that came since, in order. */
  events(): Promise<readonly RecordedEvent[]>
}

/** A server that speaks EventStoreDB's protocol, in a process of its own; it goes with who started it. */
export async function startProtocolServer(args: readonly string[] = []): Promise<string> {
  const server = await spawnProtocolServer(args)
  endOfNow()(server.stop)
  return server.url
}

/** The real server that `npm run test:eventstoredb` is told of. What it keeps stays there, and so do key and issuer. */
const REAL = process.env['EVENTSTOREDB_URL']
const REAL_MASTER_KEY = Buffer.alloc(32, 'ledgate test').toString('base64url')

/** So many processes-to-be on one store: a new one each time, or the real one. */
export async function newReplicas(count: number, serverArgs?: readonly string[]): Promise<Replicas> {
  const url = REAL ?? (await startProtocolServer(serverArgs))
  const shared = {
    LEDGATE_EVENTSTOREDB_URL: url,
    LEDGATE_MASTER_KEY: REAL === undefined ? randomBytes(32).toString('base64url') : REAL_MASTER_KEY,
    LEDGATE_ISSUER: ISSUER,
  }
  const all: Installation[] = []
  for (let index = 0; index < count; index += 1) {
    const installation = await newInstallation()
    all.push({ ...installation, environment: { ...installation.environment, ...shared } })
  }
  const mark = await withStore(url, (store) => store.head())
  const isNew = await withStore(url, async (store) => (await keysIn(store)) === 0)
  return {
    all,
    url,
    isNew,
    events: () =>
      withStore(url, async (store) => {
        const events: RecordedEvent[] = []
        for await (const event of store.readAll({ after: mark })) events.push(event)
        return events
      }),
  }
}

/** Every installation makes keys before it answers; the contract of the stores leaves events, and none of these. */
async function keysIn(store: EventStore): Promise<number> {
  let count = 0
  for await (const _ of store.readAll({ filter: { categories: ['keyring'] } })) count += 1
  return count
}

async function withStore<Result>(url: string, work: (store: EventStore) => Promise<Result>): Promise<Result> {
  const store = openEventStoreDBEventStore({ url })
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

/** Asks any of some replicas, as what stands before them does, for whatever the issuer is asked. */
export const anyOfReplicas = (urls: () => readonly string[]): typeof fetch =>
  async function fetchOfAny(input, init) {
    const { pathname, search } = new URL(input instanceof Request ? input.url : input)
    let failure: unknown = new TypeError('no replica is running')
    for (const url of urls())
      try {
        return await fetch(`${url}${pathname}${search}`, init)
      } catch (error) {
        failure = error
      }
    throw failure
  }
