import type { Bench } from '../bench.ts'
import { startLedgate } from '../ledgate/start.ts'
import type { Options } from '../options.ts'
import { startChild } from '../process/child.ts'
import { settled } from '../process/usage.ts'
import { number } from '../report/number.ts'
import type { Aim, Row } from '../report/row.ts'
import { endedLog } from '../revocations/ended-log.ts'
import { type CaughtUp, type Go, type Held, isCaughtUp, isHeld } from '../revocations/messages.ts'
import type { SnapshotReader } from '../revocations/snapshot-reader.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'
import { ALGS } from '../verifying/tokens.ts'

const NAME = 'million-revocations'
const MOST_MEGABYTES = 64
const MOST_SECONDS = 10
const LEAST_NOTICES = 6_000
const GO: Go = { kind: 'go' }

/** What a verifier needs for a million endings that matter at once: memory, and the time until it knows them. */
export const millionRevocations: Scenario = {
  name: NAME,
  title: 'a million live revocations: what they take, and how soon a verifier that starts has them',
  run: async (bench) => [...(await heldRows(bench)), await snapshotRow(bench), ...(await noticeRows(bench))],
}

const start = (file: string, args: readonly string[]) =>
  startChild({ name: file, entry: new URL(`../revocations/${file}.ts`, import.meta.url), args })

/** A quick run has fewer of them, and says nothing of this. */
const ofAMillion = ({ quick }: Options, aim: Aim): readonly Aim[] => (quick ? [] : [aim])

const megabytes = (bytes: number): number => bytes / 1e6

async function heldRows({ options }: Bench): Promise<readonly Row[]> {
  const found: Held[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    await using child = await start('holding', [String(options.liveRevocations)])
    found.push(await child.ask(GO, isHeld))
  }
  const line = { scenario: NAME, unit: 'MB' }
  const of = (bytes: (held: Held) => number): number => median(found.map((held) => megabytes(bytes(held))))
  const [first] = found
  const most = Math.max(
    of(({ resident }) => resident),
    of(({ used }) => used),
  )
  const isGone = found.every(({ used, afterExpiry }) => afterExpiry.entries === 0 && afterExpiry.used < used / 10)
  return [
    {
      ...line,
      what: `${number(first?.entries)} live revocations, resident`,
      value: of(({ resident }) => resident),
      rounds: found.map(({ resident }) => megabytes(resident)),
      aims: ofAMillion(options, { text: `at most ${MOST_MEGABYTES} MB`, isReached: most <= MOST_MEGABYTES }),
      note: `${number(of(({ used }) => used))} MB of heap and buffers, ${number(of(({ bytes }) => bytes))} of them entries`,
    },
    {
      ...line,
      what: 'the same when they have expired',
      value: of(({ afterExpiry }) => afterExpiry.resident),
      rounds: found.map(({ afterExpiry }) => megabytes(afterExpiry.resident)),
      aims: [{ text: 'expired ones leave', isReached: isGone }],
      note: `${number(of(({ afterExpiry }) => afterExpiry.used))} MB of heap and buffers`,
    },
  ]
}

async function snapshotRow(bench: Bench): Promise<Row> {
  const { options } = bench
  const { folder, bootstrap } = await endedLog(bench, options.liveRevocations)
  await using server = await startLedgate({ entry: options.server, folder, bootstrap, readyWithinMs: 600_000 })
  await settled(server.pid, 600_000)
  const { id: clientId, secret: clientSecret } = bootstrap.api
  const reader: SnapshotReader = { issuer: `http://127.0.0.1:${server.port}`, clientId, clientSecret }
  const found: CaughtUp[] = []
  for (let round = 0; round < options.rounds; round += 1) {
    await using child = await start('snapshot-reader', [JSON.stringify(reader)])
    found.push(await child.ask(GO, isCaughtUp))
    await settled(server.pid)
  }
  const seconds = found.map(({ elapsedMs }) => elapsedMs / 1000)
  const entries = median(found.map((each) => each.entries))
  const isReached = median(seconds) <= MOST_SECONDS && found.every((each) => each.entries >= options.liveRevocations)
  return {
    scenario: NAME,
    what: `ready from a snapshot of ${number(entries)} over HTTP`,
    value: median(seconds),
    unit: 's',
    rounds: seconds,
    aims: ofAMillion(options, { text: `at most ${MOST_SECONDS} s`, isReached }),
    note: `${number(median(found.map(({ processorMs }) => processorMs / 1000)))} s of the reader's processor time`,
  }
}

async function noticeRows({ options }: Bench): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const alg of ALGS) {
    const found: CaughtUp[] = []
    await using child = await start('notice-reader', [alg, String(options.notices)])
    for (let round = 0; round < options.rounds; round += 1) found.push(await child.ask(GO, isCaughtUp))
    const rounds = found.map(({ entries, elapsedMs }) => (entries * 1000) / elapsedMs)
    const value = median(rounds)
    const isReached = value >= LEAST_NOTICES && found.every(({ entries }) => entries === options.notices)
    const microseconds = median(found.map(({ entries, processorMs }) => (processorMs * 1000) / entries))
    rows.push({
      scenario: NAME,
      what: `from signed notices, ${alg}`,
      value,
      unit: 'notices/s',
      rounds,
      aims: [{ text: `at least ${number(LEAST_NOTICES)}`, isReached }],
      note: `${microseconds.toFixed(0)} us of processor each`,
    })
  }
  return rows
}
