import { TooManyRequests } from '@ledgate/oauth'
import { createBudgets } from '../limit/index.ts'
import { networkOf, type Source } from '../log/index.ts'
import type { RegistrationLimits } from '../config/index.ts'

/** Takes note of a registration. @throws {TooManyRequests} when its source has to wait, or all have. */
export interface RegistrationAllowance {
  (source: Source | undefined): void
  /** Takes up one of before, of whatever source, at a time in milliseconds since the epoch. */
  resume(createdMs: number): void
}

/** For load tests. */
export const unlimitedRegistrations: RegistrationAllowance = Object.assign(() => {}, { resume: () => {} })

const tooMany = (who: string, retryAfter: number) => new TooManyRequests(`${who} registered too often`, { retryAfter })

/** Counts in memory, per process. It asks about no address, so its answers tell nothing of one. */
export function createRegistrationAllowance(limits: RegistrationLimits, nowMs: () => number): RegistrationAllowance {
  const { period, remembered } = limits
  const bySource = createBudgets({ amount: limits.perSource, period, remembered, nowMs })
  const inAll = createBudgets({ amount: limits.inAll, period, remembered: 1, nowMs })
  function allow(source: Source | undefined): void {
    const from = source ? networkOf(source) : 'unknown'
    if (bySource.wait(from) > 0) throw tooMany('this source', bySource.wait(from))
    if (!inAll.take('all')) throw tooMany('everybody', inAll.wait('all'))
    bySource.take(from)
  }

  return Object.assign(allow, {
    resume(createdMs: number) {
      if (nowMs() - createdMs < period * 1000) inAll.take('all')
    },
  })
}
