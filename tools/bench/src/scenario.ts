import type { Bench } from './bench.ts'
import type { Row } from './report/row.ts'

/** One thing that is measured. Finding an aim missed is a result; throwing means that something broke. */
export interface Scenario {
  readonly name: string
  /** What is measured, in one line. */
  readonly title: string
  run(bench: Bench): Promise<readonly Row[]>
}
