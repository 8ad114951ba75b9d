import { sha256 } from '@ledgate/jws'
import type { Clock } from '@ledgate/revocation'

/** The kids that were searched for and not found. */
export interface MissingKids {
  /** Whether it is too early to search for it again. */
  has(kid: string): boolean
  /** Notes that it is not in the set that was just fetched. */
  add(kid: string): void
  delete(kid: string): void
}

const FIRST_MS = 1_000
/** Invented kids displace each other, and cause no more fetches than the budget allows. */
const MAX_KIDS = 1_000

/** Longer kids are stored as a hash, since they come from unauthenticated tokens. */
const LONGEST_NAME = 64

const nameOf = (kid: string): string => (kid.length <= LONGEST_NAME ? kid : `#${sha256(kid)}`)

/** Notes a kid for a second, and for twice as long each time it is missing again, up to a longest time. */
export function missingKids(clock: Pick<Clock, 'monotonic'>, longestMs: number): MissingKids {
  const missing = new Map<string, { readonly until: number; readonly pauseMs: number }>()
  return {
    has: (kid) => (missing.get(nameOf(kid))?.until ?? Number.NEGATIVE_INFINITY) > clock.monotonic(),
    add(given) {
      const kid = nameOf(given)
      const pauseMs = Math.min(longestMs, 2 * (missing.get(kid)?.pauseMs ?? FIRST_MS / 2))
      missing.delete(kid)
      missing.set(kid, { until: clock.monotonic() + pauseMs, pauseMs })
      const [oldest] = missing.keys()
      if (missing.size > MAX_KIDS && oldest !== undefined) missing.delete(oldest)
    },
    delete: (kid) => void missing.delete(nameOf(kid)),
  }
}
