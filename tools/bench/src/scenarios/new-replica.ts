import { openEventStoreDBEventStore, type EventStoreDBEventStore } from '@ledgate/eventstore-eventstoredb'
import { spawnProtocolServer } from '@ledgate/eventstore-eventstoredb/testing'
import { FULL_LOAD, type Bench } from '../bench.ts'
import { makeBootstrap } from '../ledgate/bootstrap.ts'
import { clustered } from '../ledgate/clustered.ts'
import { services } from '../ledgate/requests.ts'
import { startLedgate } from '../ledgate/start.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'

const LEAST = 20_000
const LONGEST_MS = 1_800_000
/** Replicas have one name, wherever they listen. */
const settings = (url: string) => ({ ...clustered(url), LEDGATE_ISSUER: 'https://ledgate.example' })

/** A replica that has nothing is ready when its views hold the whole log, which comes over the network. */
export const newReplica: Scenario = {
  name: 'new-replica',
  title:
    'a new replica over the protocol of EventStoreDB, from its start until it is ready, with the whole log in its views',
  async run(bench) {
    const { options, newFolder } = bench
    const protocol = await spawnProtocolServer([])
    try {
      const events = await writeLog(bench, protocol.url)
      const rounds: number[] = []
      for (let start = 0; start < options.coldStarts; start += 1) {
        const folder = await newFolder('replica')
        const environment = settings(protocol.url)
        await using replica = await startLedgate({
          entry: options.server,
          folder,
          environment,
          readyWithinMs: LONGEST_MS,
        })
        rounds.push((events * 1000) / replica.readyMs)
      }
      return [rowOf(events, rounds)]
    } finally {
      await protocol.stop()
    }
  },
}

function rowOf(events: number, rounds: readonly number[]): Row {
  const value = median(rounds)
  const aims = [{ text: `at least ${LEAST.toLocaleString('en-US')}`, isReached: value >= LEAST }]
  const note = `${events.toLocaleString('en-US')} events`
  return { scenario: 'new-replica', what: 'read until ready', value, unit: 'events/s', rounds, aims, note }
}

/** A log with tokens of a real server at its beginning, and copies of them from there on. @returns how many events it holds. */
async function writeLog({ options, generator, start }: Bench, url: string): Promise<number> {
  const bootstrap = makeBootstrap(1)
  {
    await using server = await start(bootstrap, settings(url))
    const { port } = server
    const time = { warmupMs: 0, durationMs: LONGEST_MS, limit: FULL_LOAD }
    await generator.run({ port, connections: FULL_LOAD, workload: services(port, bootstrap), ...time })
  }
  const store = openEventStoreDBEventStore({ url })
  try {
    await copyTokens(store, options.events)
    return options.events
  } finally {
    await store.close()
  }
}

async function copyTokens(store: EventStoreDBEventStore, count: number): Promise<void> {
  const last = store.readAll({ direction: 'backwards', max: 1, filter: { types: ['TokenIssued'] } })
  const { value: issued } = await last[Symbol.asyncIterator]().next()
  if (!issued) throw new Error('the server issued no token')
  const { type, data, metadata } = issued
  let left = count
  const one = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      const jti = crypto.randomUUID()
      const event = { id: crypto.randomUUID(), type, data: { ...data, jti }, metadata }
      await store.append(`${issued.stream}-${jti}`, [event], { expected: 'noStream' })
    }
  }
  await Promise.all(Array.from({ length: FULL_LOAD }, one))
}
