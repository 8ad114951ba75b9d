import { spawnProtocolServer } from '@ledgate/eventstore-eventstoredb/testing'
import { benchBootstrap, FULL_LOAD, IN_FLIGHT, underLoad, type Bench } from '../bench.ts'
import type { Writing } from '../appends/writing.ts'
import { interleaved, ratioOf, rowOf, type Subject } from '../interleave.ts'
import { services } from '../ledgate/requests.ts'
import { isMeasure } from '../load/job.ts'
import { startChild, type Child } from '../process/child.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const NAME = 'eventstoredb'
const BARE = 'bare BatchAppend'
const EMBEDDED = 'embedded'

/** A server of the protocol that keeps its log in memory: what is measured is Ledgate and the way there, not a database. */
export const eventStoreDB: Scenario = {
  name: NAME,
  title: 'over the protocol of EventStoreDB: appends beside a bare call, tokens beside the embedded store',
  async run(bench) {
    const protocol = await spawnProtocolServer()
    try {
      return [...(await appendsOver(bench, protocol.url)), ...(await tokensOver(bench, protocol.url))]
    } finally {
      await protocol.stop()
    }
  },
}

async function appendsOver(bench: Bench, url: string): Promise<readonly Row[]> {
  const start = (file: string, arg: string) =>
    startChild({ name: file, entry: new URL(`../appends/${file}.ts`, import.meta.url), args: [arg] })
  await using store = await start('eventstoredb', url)
  await using bare = await start('bare-batch-append', new URL(url).host)
  const writing = (name: string, child: Child, batch: number): Subject => {
    const order: Writing = { kind: 'writing', batch, durationMs: bench.options.appendSliceMs }
    return { name, pid: child.pid, run: () => child.ask(order, isMeasure) }
  }
  const rows: Row[] = []
  for (const batch of [1, FULL_LOAD]) {
    const subjects = [writing('event store on EventStoreDB', store, batch), writing(BARE, bare, batch)]
    const [ours, limit] = await interleaved(subjects, bench.options.rounds)
    if (ours === undefined || limit === undefined) continue
    const line = { scenario: NAME, unit: 'appends/s', inFlight: batch }
    const ratio = ratioOf(ours, limit)
    const aims = [{ text: 'one round trip: at least 75 % of the bare call, one by one', isReached: ratio >= 0.75 }]
    rows.push(
      rowOf(ours, { ...line, beside: [{ peer: BARE, ratio }], ...(batch === 1 && { aims }) }),
      rowOf(limit, line),
    )
  }
  return rows
}

async function tokensOver(bench: Bench, url: string): Promise<readonly Row[]> {
  const bootstrap = benchBootstrap()
  const masterKey = Buffer.alloc(32, 'bench').toString('base64url')
  await using clustered = await bench.start(bootstrap, {
    LEDGATE_EVENTSTOREDB_URL: url,
    LEDGATE_MASTER_KEY: masterKey,
  })
  await using embedded = await bench.start(bootstrap)
  const rows: Row[] = []
  for (const connections of IN_FLIGHT) {
    const subjects = [
      { ...clustered, name: 'client credentials, EventStoreDB', workload: services(clustered.port, bootstrap) },
      { ...embedded, name: EMBEDDED, workload: services(embedded.port, bootstrap) },
    ].map((party) => underLoad(bench, { ...party, connections }))
    const [ours, peer] = await interleaved(subjects, bench.options.rounds)
    if (ours === undefined || peer === undefined) continue
    const line = { scenario: NAME, unit: 'tokens/s', inFlight: connections }
    const ratio = ratioOf(ours, peer)
    const aims = [{ text: 'at least half of embedded', isReached: ratio >= 0.5 }]
    rows.push(
      rowOf(ours, { ...line, beside: [{ peer: EMBEDDED, ratio }], ...(connections === FULL_LOAD && { aims }) }),
      rowOf(peer, line),
    )
  }
  return rows
}
