import { startChild } from '../process/child.ts'
import { isJobFailed, isMeasure, type Job, type JobFailed, type Measure } from './job.ts'

/** A load generator in a process of its own; it does one job at a time. */
export interface Generator extends AsyncDisposable {
  readonly pid: number
  /** @throws {Error} when the job could not be done at all; answers that are errors are counted in the measure. */
  run(job: Omit<Job, 'kind'>): Promise<Measure>
}

export async function startGenerator(): Promise<Generator> {
  const child = await startChild({ name: 'load generator', entry: new URL('./main.ts', import.meta.url) })
  const isOutcome = (message: unknown): message is Measure | JobFailed => isMeasure(message) || isJobFailed(message)
  return {
    pid: child.pid,
    async run(job) {
      const outcome = await child.ask({ ...job, kind: 'job' }, isOutcome)
      if (outcome.kind === 'jobFailed') throw new Error(`load: ${outcome.message}`)
      return outcome
    },
    [Symbol.asyncDispose]: () => child[Symbol.asyncDispose](),
  }
}
