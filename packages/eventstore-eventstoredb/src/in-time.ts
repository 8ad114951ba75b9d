import { DeadlineExceededError } from '@eventstore/db-client'
import { settleWithin } from '@ledgate/eventsourcing'

/**
 * The result of work if it settles in time; otherwise the work goes on and its result is ignored.
 *
 * @param late the reason to report when the work takes longer; the time is appended.
 * @throws {DeadlineExceededError} when it takes longer than `ms` milliseconds.
 */
export const inTime = <Result>(work: Promise<Result>, ms: number, late: string): Promise<Result> =>
  settleWithin(work, ms, () => new DeadlineExceededError(undefined, `${late} within ${ms} ms`))
