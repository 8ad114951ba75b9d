import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Bench } from '../bench.ts'
import { interleaved, type Measured, ratioOf, rowOf, type Subject } from '../interleave.ts'
import { isMeasure } from '../load/job.ts'
import { type Child, startChild } from '../process/child.ts'
import { number } from '../report/number.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'
import { type Alg, ALGS, makeTokens } from '../verifying/tokens.ts'
import type { Assignment, Party, Verifying } from '../verifying/verifying.ts'

const NAME = 'verify'

/** Slices of a round: short ones, so that what else the machine does meets everybody alike. */
const SLICES = 5

/** Parties that check the same tokens in turn, and what ours must reach of the last. */
interface Contest {
  readonly what: string
  readonly isSeen: boolean
  readonly ours: readonly Party[]
  readonly others: readonly Party[]
  /** The one of the others that ours is held against. */
  readonly against: Party
  readonly least: number
  readonly aim: string
}

const CONTESTS: readonly Contest[] = [
  {
    what: 'seen before',
    isSeen: true,
    ours: ['Ledgate verify', 'Ledgate verifySync'],
    others: ['fast-jwt'],
    against: 'fast-jwt',
    least: 1.5,
    aim: 'at least 1.5 times fast-jwt with its cache',
  },
  {
    what: 'not seen before',
    isSeen: false,
    ours: ['Ledgate verify'],
    others: ['jose', 'fast-jwt', 'aws-jwt-verify'],
    against: 'jose',
    least: 0.9,
    aim: 'at least 90 % of jose',
  },
]

/** A process for each, in turn. */
export const verify: Scenario = {
  name: NAME,
  title: 'tokens that one core checks per second, revocation included, beside what others do without it',
  async run(bench) {
    const { rounds, newTokens } = bench.options
    const folder = await bench.newFolder(NAME)
    const rows: Row[] = []
    for (const alg of ALGS) {
      const file = join(folder, `${alg}.json`)
      await writeFile(file, JSON.stringify(await makeTokens(alg, (rounds + 1) * newTokens)))
      for (const contest of CONTESTS) rows.push(...rowsOf(alg, contest, await contested(bench, file, contest)))
    }
    return rows
  },
}

async function contested({ options }: Bench, file: string, contest: Contest): Promise<readonly Measured[]> {
  const { isSeen, ours, others } = contest
  await using children = new AsyncDisposableStack()
  const subjects: Subject[] = []
  const tokens = isSeen ? options.seenTokens : options.newTokens
  for (const party of [...ours, ...others]) {
    const child = children.use(await verifying({ party, isSeen, file }))
    const check = (count: number) => child.ask({ kind: 'verifying', count } satisfies Verifying, isMeasure)
    await check(tokens) // warms up
    subjects.push({ name: party, pid: child.pid, run: () => check(tokens / SLICES) })
  }
  return await interleaved(subjects, options.rounds * SLICES)
}

const verifying = (assignment: Assignment): Promise<Child> =>
  startChild({
    name: assignment.party,
    entry: new URL('../verifying/main.ts', import.meta.url),
    args: [JSON.stringify(assignment)],
  })

function rowsOf(alg: Alg, contest: Contest, measured: readonly Measured[]): readonly Row[] {
  const peer = measured.find(({ name }) => name === contest.against)
  return measured.map((party) => {
    const what = `${alg}, ${contest.what}: ${party.name}`
    const line = { scenario: NAME, unit: 'tokens/s', what, note: `${number(rateByClock(party))} by the clock` }
    if (peer === undefined || !contest.ours.some((name) => name === party.name)) return rowOf(party, line)
    const ratio = ratioOf(party, peer)
    const aims = [{ text: contest.aim, isReached: ratio >= contest.least }]
    return rowOf(party, { ...line, beside: [{ peer: peer.name, ratio }], aims })
  })
}

const rateByClock = ({ measures }: Measured): number =>
  median(measures.map(({ completed, elapsedMs }) => (completed * 1000) / elapsedMs))
