import type { Measure } from './job.ts'

/** The errors of several measures, counted together. */
export function errorsOf(measures: readonly Pick<Measure, 'errors'>[]): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const [status, count] of measures.flatMap(({ errors }) => Object.entries(errors))) {
    sum[status] = (sum[status] ?? 0) + count
  }
  return sum
}
