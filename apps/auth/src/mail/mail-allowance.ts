import { createBudgets } from '../limit/index.ts'
import { networkOf, type Source } from '../log/index.ts'
import type { Link } from './events.ts'
import type { MailLimits } from '../config/index.ts'

/** Why a mail is asked for. No purpose uses up what is there for another one. */
export type MailPurpose = Link['purpose']

/** An email that a request asks for. */
export interface MailAsk {
  readonly purpose: MailPurpose
  /** The keyed hash of the address. */
  readonly hmac: string
  readonly source: Source | undefined
  /** The user of the address signed in from there before. */
  readonly isKnown?: boolean
}

/** Says whether one more mail is not too many, and counts it. */
export interface MailAllowance {
  (ask: MailAsk): boolean
  /** Milliseconds after which a mail does no longer count. */
  readonly periodMs: number
  /** Takes up a mail that was asked for before, at a time in milliseconds since the epoch. */
  resume(ask: Pick<MailAsk, 'purpose' | 'hmac'>, createdMs: number): void
}

/** For load tests. */
export const unlimitedMail: MailAllowance = Object.assign(() => true, { periodMs: 0, resume: () => {} })

const UNKNOWN = 'unknown'

/**
 * Counts in memory, per process. Strangers share what an address gets, by purpose, and one of them only a part of it; a
 * place that its user used before has a part of its own, which no stranger can use up.
 */
export function createMailAllowance(limits: MailLimits, nowMs: () => number): MailAllowance {
  const { period, remembered } = limits
  const of = (amount: number) => createBudgets({ amount, period, remembered, nowMs })
  const [bySource, byAddress, byBoth] = [of(limits.perSource), of(limits.inAllPerAddress), of(limits.perAddress)]

  function allow({ purpose, hmac, source, isKnown = false }: MailAsk): boolean {
    const from = isKnown ? (source?.hash ?? UNKNOWN) : source ? networkOf(source) : UNKNOWN
    const [address, both] = [`${purpose} ${hmac}`, `${purpose} ${hmac} ${from}`]
    if (bySource.wait(from) > 0 || byBoth.wait(both) > 0 || (!isKnown && byAddress.wait(address) > 0)) return false
    if (!isKnown) byAddress.take(address)
    return bySource.take(from) && byBoth.take(both)
  }

  return Object.assign(allow, {
    periodMs: period * 1000,
    resume({ purpose, hmac }: Pick<MailAsk, 'purpose' | 'hmac'>, createdMs: number) {
      if (nowMs() - createdMs < period * 1000) byAddress.take(`${purpose} ${hmac}`)
    },
  })
}
