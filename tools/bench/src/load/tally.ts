import { histogram } from './histogram.ts'
import type { Job, Measure } from './job.ts'
import type { Outcome } from './connection.ts'

/** Counts what one job's requests came to, within the time that is measured. Times are of `performance.now()`. */
export interface Tally {
  record(outcome: Outcome, startedMs: number, finishedMs: number): void
  /** Whether no further request should be sent. */
  isOver(nowMs: number): boolean
  measure(): Measure
}

export function tally(job: Job, startedMs: number): Tally {
  const expected = job.workload.kind === 'repeat' ? job.workload.expect : 200
  const from = startedMs + job.warmupMs
  const until = from + job.durationMs
  const latencies = histogram()
  const errors: Record<string, number> = {}
  let last = from
  const isFull = (): boolean => latencies.count >= (job.limit ?? Number.POSITIVE_INFINITY)
  return {
    record(outcome, began, finished) {
      const status = outcome === 'broken' ? outcome : outcome.status
      if (status !== expected) errors[status] = (errors[status] ?? 0) + 1
      else if (finished >= from && finished < until) {
        latencies.add(finished - began)
        last = finished
      }
    },
    isOver: (now) => now >= until || isFull(),
    measure() {
      const elapsedMs = isFull() ? last - from : job.durationMs
      const perSecond = (latencies.count * 1000) / elapsedMs
      const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)]
      return { kind: 'measure', completed: latencies.count, elapsedMs, perSecond, p50, p99, errors }
    },
  }
}
