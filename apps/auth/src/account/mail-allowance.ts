import { LRUCache } from 'lru-cache'

/** How many mails one address gets because somebody typed it. */
export interface MailLimits {
  readonly perAddress: number
  /** In seconds. */
  readonly period: number
  /** Addresses that are remembered; the least used leave first. */
  readonly remembered: number
}

export const DEFAULT_MAIL_LIMITS: MailLimits = { perAddress: 5, period: 3600, remembered: 100_000 }

/** Says whether one more mail to an address is not too many, and counts it. */
export type MailAllowance = (hmac: string) => boolean

/** For load tests. */
export const unlimitedMail: MailAllowance = () => true

/** Counts in memory, per process. @param now whole seconds since the epoch. */
export function mailAllowance({ perAddress, period, remembered }: MailLimits, now: () => number): MailAllowance {
  const counts = new LRUCache<string, { count: number; since: number }>({ max: remembered })
  return (hmac) => {
    const known = counts.get(hmac)
    const isFresh = known === undefined || now() - known.since >= period
    const { count, since } = isFresh ? { count: 0, since: now() } : known
    counts.set(hmac, { count: count + 1, since })
    return count < perAddress
  }
}
