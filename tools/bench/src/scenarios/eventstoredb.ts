import { spawnProtocolServer } from '@ledgate/eventstore-eventstoredb/testing'
import { benchBootstrap, FULL_LOAD, IN_FLIGHT, underLoad, type Bench } from '../bench.ts'
import type { Writing } from '../appends/writing.ts'
import { interleaved, type Measured, ratioOf, rowOf, type Subject } from '../interleave.ts'
import type { Bootstrap } from '../ledgate/bootstrap.ts'
import { clustered } from '../ledgate/clustered.ts'
import { introspections, refreshes, services } from '../ledgate/requests.ts'
import { sampleToken } from '../ledgate/sample-token.ts'
import type { Ledgate } from '../ledgate/start.ts'
import { isMeasure, type Workload } from '../load/job.ts'
import { type Child, startChild } from '../process/child.ts'
import type { Aim, Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const NAME = 'eventstoredb'
const BARE = 'bare BatchAppend'
const EMBEDDED = 'embedded'
const OTHER = 'the other version'
const nodesOf = (nodes: number): string => (nodes === 1 ? 'one node' : `${nodes} nodes`)

/**
 * A server of the protocol that keeps its log in memory and takes as long for a commit as a real one was seen to take
 * (`--commit-ms`): what is measured is Ledgate and the way there, not a database.
 */
const over = (nodes: number): Scenario => ({
  name: NAME,
  title: `over the protocol of EventStoreDB, ${nodesOf(nodes)}: appends beside a bare call, answers beside the embedded store`,
  async run(bench) {
    const start = () => spawnProtocolServer([`--nodes=${nodes}`, `--commit-ms=${bench.options.commitMs}`])
    // Each version of Ledgate has a log of its own: they are two installations.
    const [protocol, other] = [await start(), bench.options.beside === undefined ? undefined : await start()]
    try {
      const measured = { bench, nodes, url: protocol.url, otherUrl: other?.url }
      return [...(await appendsOver(measured)), ...(await answersOver(measured))]
    } finally {
      await Promise.all([protocol, other].map((server) => server?.stop()))
    }
  },
})

/** A node that is alone, and the least cluster: one after the other, so that the first is told before the second is begun. */
export const eventStoreDB: readonly Scenario[] = [over(1), over(3)]

interface Measuring {
  readonly bench: Bench
  readonly nodes: number
  readonly url: string
  /** Of the log of the version beside this one. */
  readonly otherUrl: string | undefined
}

const named = (what: string, nodes: number): string => `${what}, ${nodesOf(nodes)}`

/** The file of the same bench in the repository of another version's entry file, `apps/auth/src/main.ts`. */
const inOther = (beside: string, file: string): URL => new URL(`../../../tools/bench/src/${file}`, `file://${beside}`)

async function appendsOver({ bench, nodes, url, otherUrl }: Measuring): Promise<readonly Row[]> {
  const { options } = bench
  const start = (name: string, entry: URL, arg: string) => startChild({ name, entry, args: [arg] })
  const [, first = ''] = /\/\/([^,?/]+)/.exec(url) ?? []
  await using store = await start('appends', new URL('../appends/eventstoredb.ts', import.meta.url), url)
  await using bare = await start(BARE, new URL('../appends/bare-batch-append.ts', import.meta.url), first)
  await using other =
    options.beside === undefined || otherUrl === undefined
      ? undefined
      : await start(OTHER, inOther(options.beside, 'appends/eventstoredb.ts'), otherUrl)
  const writing = (name: string, child: Child, batch: number): Subject => {
    const order: Writing = { kind: 'writing', batch, durationMs: options.appendSliceMs }
    return { name, pid: child.pid, run: () => child.ask(order, isMeasure) }
  }
  const rows: Row[] = []
  for (const batch of [1, FULL_LOAD]) {
    const subjects = [
      writing(named('appends', nodes), store, batch),
      writing(BARE, bare, batch),
      ...(other ? [writing(OTHER, other, batch)] : []),
    ]
    const measured = await interleaved(subjects, options.rounds)
    const aim = (ratio: number): Aim[] => [
      { text: 'one round trip: at least 75 % of the bare call, one by one', isReached: ratio >= 0.75 },
    ]
    rows.push(...beside(measured, { unit: 'appends/s', inFlight: batch, ...(batch === 1 && { aim }) }))
  }
  return rows
}

interface Answering {
  readonly what: string
  readonly workload: (server: Ledgate, bootstrap: Bootstrap) => Promise<Workload>
  readonly aim?: (ratio: number) => Aim[]
}

const ANSWERS: readonly Answering[] = [
  {
    what: 'client credentials',
    workload: async ({ port }, bootstrap) => services(port, bootstrap),
    aim: (ratio) => [{ text: 'at least half of embedded', isReached: ratio >= 0.5 }],
  },
  { what: 'refresh', workload: async ({ port }, bootstrap) => refreshes(port, bootstrap) },
  {
    what: 'introspection',
    workload: async ({ port }, bootstrap) => introspections(port, bootstrap, await sampleToken(port, bootstrap)),
  },
]

async function answersOver({ bench, nodes, url, otherUrl }: Measuring): Promise<readonly Row[]> {
  const bootstrap = benchBootstrap()
  await using ours = await bench.start(bootstrap, clustered(url))
  await using embedded = await bench.start(bootstrap)
  await using other = otherUrl === undefined ? undefined : await bench.startOther(bootstrap, clustered(otherUrl))
  const rows: Row[] = []
  for (const { what, workload, aim } of ANSWERS)
    for (const connections of IN_FLIGHT) {
      const servers = [
        { name: named(what, nodes), server: ours },
        { name: EMBEDDED, server: embedded },
        ...(other ? [{ name: OTHER, server: other }] : []),
      ]
      const subjects = await Promise.all(
        servers.map(async ({ name, server }) =>
          underLoad(bench, { ...server, name, connections, workload: await workload(server, bootstrap) }),
        ),
      )
      const measured = await interleaved(subjects, bench.options.rounds)
      const isAimed = connections === FULL_LOAD && aim !== undefined
      rows.push(...beside(measured, { unit: 'answers/s', inFlight: connections, ...(isAimed && { aim }) }))
    }
  return rows
}

interface Line {
  readonly unit: string
  readonly inFlight: number
  /** What the ratio to the first peer should reach. */
  readonly aim?: (ratio: number) => Aim[]
}

/** The line of what was measured first, with its ratio to each of the others, and theirs behind it. */
function beside([ours, ...peers]: readonly Measured[], { aim, ...rest }: Line): readonly Row[] {
  if (ours === undefined) return []
  const line = { scenario: NAME, ...rest }
  const ratios = peers.map((peer) => ({ peer: peer.name, ratio: ratioOf(ours, peer) }))
  const [first] = ratios
  return [
    rowOf(ours, { ...line, beside: ratios, ...(aim && first && { aims: aim(first.ratio) }) }),
    ...peers.map((peer) => rowOf(peer, line)),
  ]
}
