import { hash } from 'node:crypto'
import type { Clock } from '@ledgate/revocation'

/** Which kids were looked for and not found. */
export interface MissingKids {
  /** Whether looking for it again is of no use yet. */
  has(kid: string): boolean
  /** It is not in the set that was just fetched. */
  add(kid: string): void
  delete(kid: string): void
}

const FIRST_MS = 1_000
/** Made-up kids push out each other, and at worst cost what the budget of fetches allows. */
const MAX_KIDS = 1_000

/** Longer kids are kept by their hash: they are in a token that nobody signed. */
const LONGEST_NAME = 64

const nameOf = (kid: string): string => (kid.length <= LONGEST_NAME ? kid : `#${hash('sha256', kid, 'base64url')}`)

/** Keeps a kid for a second, and for twice as long with every time that it is missing again, up to a longest time. */
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
