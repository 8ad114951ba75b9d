import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { brokerIsAvailable, openBroker } from '@ledgate/revocation/testing'
import type { Bench } from '../bench.ts'
import { type Bootstrap, makeBootstrap } from '../ledgate/bootstrap.ts'
import { clientCredentials, services } from '../ledgate/requests.ts'
import type { Ledgate } from '../ledgate/start.ts'
import { openConnection, type Outcome } from '../load/connection.ts'
import { startGenerator } from '../load/generator.ts'
import { basic, formRequest } from '../load/request.ts'
import { startChild } from '../process/child.ts'
import { chart } from '../refusing/chart.ts'
import { type Assignment, isRefusals, type Way } from '../refusing/refusing.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const NAME = 'revocation'
const VERIFIERS = 8
/** For each one that counts, how many go before that do not. All verifiers compile the same at the same notice. */
const WARM_UP = 1
/** Revocations per second, and tokens that are issued beside them. */
const PACE = 40
const TOKENS_BESIDE = 100
const AIM = { p50: 8, p99: 30 }
/** Milliseconds after which a revocation that was not heard of is taken for lost. */
const LOST_MS = 10_000
const NANOSECONDS = 1e6

/** In the order of the tokens, in milliseconds from when the request was sent. */
interface Told {
  /** Until it was answered. */
  readonly answered: readonly number[]
  /** Until the slowest of all verifiers refused it. */
  readonly refused: readonly number[]
}

export const revocation: Scenario = {
  name: NAME,
  title: `from sending a revocation to its refusal at the slowest of ${VERIFIERS} processes, beside ${TOKENS_BESIDE} tokens per second`,
  async run(bench) {
    const rows: Row[] = []
    if (brokerIsAvailable()) rows.push(...(await overKafka(bench)))
    return [...rows, ...(await measured(bench, 'http', []))]
  },
}

async function overKafka(bench: Bench): Promise<readonly Row[]> {
  const broker = await openBroker({ isOwn: true })
  try {
    return await measured(bench, 'kafka', broker.brokers)
  } finally {
    await broker.close()
  }
}

async function measured(bench: Bench, way: Way, brokers: readonly string[]): Promise<readonly Row[]> {
  const bootstrap = makeBootstrap(1)
  await using server = await bench.start(bootstrap, brokers.length > 0 ? { LEDGATE_KAFKA_BROKERS: brokers.join() } : {})
  await using beside = await startGenerator()
  const tokens = await issued(server, bootstrap, bench.options.revocations * (1 + WARM_UP))
  const file = join(await bench.newFolder(NAME), 'tokens')
  await writeFile(file, tokens.join('\n'))
  const { resource, api } = bootstrap
  const assignment: Assignment = { way, issuer: issuerOf(server), audience: resource, api, brokers, file }
  await using children = new AsyncDisposableStack()
  const entry = new URL('../refusing/main.ts', import.meta.url)
  const starting = Array.from({ length: VERIFIERS }, (_, nth) =>
    startChild({ name: `verifier ${nth}`, entry, args: [JSON.stringify(assignment)] }),
  )
  const verifiers = (await Promise.all(starting)).map((child) => children.use(child))

  const durationMs = (tokens.length / PACE) * 1_000
  const load = beside.run({
    port: server.port,
    warmupMs: 0,
    durationMs,
    connections: 32,
    ratePerSecond: TOKENS_BESIDE,
    workload: services(server.port, bootstrap),
  })
  const { sent, answered } = await revokeAll(server, bootstrap, tokens)
  const refusals = async () => Promise.all(verifiers.map((child) => child.ask({ kind: 'refusals' }, isRefusals)))
  const slowest = async () =>
    slowestOf(
      tokens.length,
      (await refusals()).map(({ at }) => at),
    )
  let last = await slowest()
  for (
    const until = performance.now() + LOST_MS;
    last.includes(undefined) && performance.now() < until;
    await pause(100)
  )
    last = await slowest()
  const refused = last.map((at, nth) => (at === undefined ? Infinity : Number(at - (sent[nth] ?? 0n)) / NANOSECONDS))
  await load
  const isCounted = (_: number, nth: number): boolean => nth >= tokens.length - bench.options.revocations
  return rowsOf(way, { answered: answered.filter(isCounted), refused: refused.filter(isCounted) })
}

const issuerOf = ({ port }: Ledgate): string => `http://127.0.0.1:${port}`

async function issued({ port }: Ledgate, bootstrap: Bootstrap, count: number): Promise<readonly string[]> {
  const connection = openConnection(port)
  const tokens: string[] = []
  while (tokens.length < count) {
    const outcome = await exchanged(connection, clientCredentials(port, bootstrap))
    if (outcome === 'broken' || outcome.status !== 200) throw new Error('no token to revoke')
    tokens.push(JSON.parse(outcome.body).access_token)
  }
  connection.close()
  return tokens
}

const exchanged = (connection: ReturnType<typeof openConnection>, request: string): Promise<Outcome> =>
  new Promise((resolve) => connection.exchange(request, resolve))

/** At a steady pace, whatever the server does. */
async function revokeAll({ port }: Ledgate, { service }: Bootstrap, tokens: readonly string[]) {
  const connection = openConnection(port)
  const [sent, answered]: [bigint[], number[]] = [[], []]
  const began = performance.now()
  for (const [nth, token] of tokens.entries()) {
    await pause(Math.max(0, began + (nth * 1_000) / PACE - performance.now()))
    const request = formRequest({ port, path: '/oauth2/revoke', authorization: basic(service) }, { token })
    const at = process.hrtime.bigint()
    sent.push(at)
    const outcome = await exchanged(connection, request)
    if (outcome === 'broken' || outcome.status !== 200) throw new Error('a revocation was not answered')
    answered.push(Number(process.hrtime.bigint() - at) / NANOSECONDS)
  }
  connection.close()
  return { sent, answered }
}

/** When the last of all refused each token; `undefined` while one has not. */
function slowestOf(
  count: number,
  each: readonly (readonly (readonly [nth: number, nanoseconds: string])[])[],
): readonly (bigint | undefined)[] {
  const refused = each.map((at) => new Map(at))
  return Array.from({ length: count }, (_, nth) => {
    const times = refused.map((of) => of.get(nth))
    if (times.some((time) => time === undefined)) return undefined
    return times.map((time) => BigInt(time ?? 0)).reduce((latest, time) => (time > latest ? time : latest), 0n)
  })
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function rowsOf(way: Way, { answered, refused }: Told): readonly Row[] {
  const name = { kafka: 'Kafka', http: 'HTTP' }[way]
  console.log(
    `\n${name}: milliseconds until the slowest of ${VERIFIERS} refused, of ${refused.length}\n${chart(refused)}`,
  )
  const [p50, p99] = [quantile(refused, 0.5), quantile(refused, 0.99)]
  const ofAnswers = { p50: quantile(answered, 0.5), p99: quantile(answered, 0.99) }
  return [
    {
      scenario: NAME,
      what: `over ${name}: refused by all`,
      value: p50,
      unit: 'ms',
      p50,
      p99,
      beside: [{ peer: 'the answer alone', ratio: p50 / ofAnswers.p50 }],
      aims: [
        { text: `p50 at most ${AIM.p50} ms`, isReached: p50 <= AIM.p50 },
        { text: `p99 at most ${AIM.p99} ms`, isReached: p99 <= AIM.p99 },
      ],
      note: `${refused.filter((ms) => ms === Infinity).length} not heard of`,
    },
    { scenario: NAME, what: `over ${name}: answered`, value: ofAnswers.p50, unit: 'ms', ...ofAnswers },
  ]
}
