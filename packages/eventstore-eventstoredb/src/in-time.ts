import { DeadlineExceededError } from '@eventstore/db-client'

/**
 * What work comes to, if it does so in time; it goes on for nobody then.
 *
 * @param late what is said of it when it takes longer, before the time.
 * @throws {DeadlineExceededError} when it takes longer.
 */
export async function inTime<Result>(work: Promise<Result>, ms: number, late: string): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const isLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DeadlineExceededError(undefined, `${late} within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([work, isLate])
  } finally {
    clearTimeout(timer)
  }
}
