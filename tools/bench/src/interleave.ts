import { errorsOf } from './load/errors.ts'
import type { Measure } from './load/job.ts'
import { cpuMsOf, settled } from './process/usage.ts'
import type { Row } from './report/row.ts'
import { median, medianRatio } from './statistics.ts'

/** Something that is measured in turn with others. */
export interface Subject {
  readonly name: string
  readonly pid: number
  run(): Promise<Measure>
}

/** What the rounds of one subject came to. `cores` is how many it kept busy, per round. */
export interface Measured {
  readonly name: string
  readonly measures: readonly Measure[]
  readonly cores: readonly number[]
}

/**
 * Measures A, B, B, A, A, B, ... and lets each finish the work it put off before the next one starts. Whoever comes first in a
 * round is measured up to a tenth slower, so the order turns.
 */
export async function interleaved(subjects: readonly Subject[], rounds: number): Promise<readonly Measured[]> {
  const results = subjects.map(({ name }) => ({ name, measures: new Array<Measure>(), cores: new Array<number>() }))
  for (let round = 0; round < rounds; round += 1) {
    const order = [...subjects.entries()]
    for (const [index, subject] of round % 2 === 0 ? order : order.toReversed()) {
      const [cpuBefore, before] = [await cpuMsOf(subject.pid), performance.now()]
      results[index]?.measures.push(await subject.run())
      results[index]?.cores.push(((await cpuMsOf(subject.pid)) - cpuBefore) / (performance.now() - before))
      await settled(subject.pid)
    }
  }
  return results
}

export const rates = (measured: Measured): readonly number[] => measured.measures.map((measure) => measure.perSecond)

/** Of the rates of two subjects measured in turn. */
export const ratioOf = (ours: Measured, peer: Measured): number => medianRatio(rates(ours), rates(peer))

/** Processor time hardly depends on what else the machine does, so it tells two servers apart on a noisy one too. */
function workOf({ measures, cores }: Measured): string {
  const microseconds = median(cores.map((busy, round) => (busy * 1e6) / (measures[round]?.perSecond ?? Number.NaN)))
  return `${median(cores).toFixed(2)} cores busy, ${microseconds.toFixed(0)} us of processor each`
}

/** The line of the report for what was measured. */
export function rowOf(measured: Measured, rest: Pick<Row, 'scenario' | 'unit'> & Partial<Row>): Row {
  const rounds = rates(measured)
  return {
    what: measured.name,
    value: median(rounds),
    p50: median(measured.measures.map(({ p50 }) => p50)),
    p99: median(measured.measures.map(({ p99 }) => p99)),
    errors: errorsOf(measured.measures),
    rounds,
    note: workOf(measured),
    ...rest,
  }
}
