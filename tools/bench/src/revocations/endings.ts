import { randomUUID } from 'node:crypto'
import type { Ended, Scope } from '@ledgate/revocation'

/** How many of a hundred endings are of each scope. */
const SHARES: readonly (readonly [Scope, number])[] = [
  ['jti', 40],
  ['session', 20],
  ['online_session', 15],
  ['grant', 15],
  ['user', 9],
  ['client', 1],
]
const HUNDRED = SHARES.flatMap(([scope, share]) => new Array<Scope>(share).fill(scope))

/** The nth ending of something that no one else ends. @param until seconds since the epoch. */
export function ending(nth: number, until: number): Ended {
  const scope = HUNDRED[nth % HUNDRED.length] ?? 'jti'
  const id = randomUUID()
  return scope === 'user' || scope === 'client' || scope === 'issuer'
    ? { scope, id, until, epoch: nth % 7 }
    : { scope, id, until }
}

export const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3_600
