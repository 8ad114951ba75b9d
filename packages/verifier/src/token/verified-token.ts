import type { PreparedToken, Scope } from '@ledgate/revocation'
import { VerifierError } from '../error/index.ts'
import type { TrustedKey } from '../key/index.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'
import type { Principal } from '../principal/index.ts'

/**
 * A token whose signature was verified, and that can be kept. Everything in it that time or somebody else can change is asked
 * anew at every use.
 */
export interface VerifiedToken {
  readonly issuer: TrustedIssuer
  readonly key: TrustedKey
  readonly principal: Principal
  /** The signed token: what was inside, where it came encrypted. */
  readonly signed: string
  /** From when on it is taken, in milliseconds since the epoch. */
  readonly notBefore: number
  /** From when on it is not taken any more, in milliseconds since the epoch. */
  readonly expiresAt: number
  /** Whether it is bound to a key in a way that is not to be checked here. */
  readonly isBoundOtherwise: boolean
  readonly revocable: Revocable | undefined
}

/** What was last found out about the revocation of a token. */
export interface Revocable {
  readonly prepared: PreparedToken
  /** The version of the index when nothing ended the token; nothing can have ended it since if that is still the same. */
  aliveAt: number
  /** Stays: what is dead is dead. */
  endedBy: Scope | undefined
}

/** By which scope it has ended; a look at the index only when that has changed. */
function endedBy({ issuer: { feed }, revocable }: VerifiedToken): Scope | undefined {
  if (feed === undefined || revocable === undefined) return undefined
  if (revocable.endedBy !== undefined) return revocable.endedBy
  const { version } = feed.index
  if (revocable.aliveAt === version) return undefined
  revocable.endedBy = feed.index.endedBy(revocable.prepared)
  if (revocable.endedBy === undefined) revocable.aliveAt = version
  return revocable.endedBy
}

/**
 * Whether what was found out about a token can still be gone by. Its key may have left the set and be back in it, or another
 * one by its name: only the signature tells. What was revoked stays revoked.
 */
export const stillHolds = (token: VerifiedToken): boolean => token.key.isTrusted || endedBy(token) !== undefined

/** That a token is within its time. @param now milliseconds since the epoch. @throws {VerifierError} when it is not. */
export function requireTimely(
  { expiresAt, notBefore }: Pick<VerifiedToken, 'expiresAt' | 'notBefore'>,
  now: number,
): void {
  if (!(now < expiresAt)) throw new VerifierError('token_expired', { detail: 'expired' })
  if (!(now >= notBefore)) throw new VerifierError('invalid_token', { detail: 'not valid yet' })
}

/**
 * That a token is good now: not revoked, within its time, and signed by a key that is still trusted.
 *
 * @param now milliseconds since the epoch.
 * @throws {VerifierError} when it is not. That it was revoked comes before everything else.
 */
export function requireStanding(token: VerifiedToken, now: number): void {
  const scope = endedBy(token)
  if (scope !== undefined) throw new VerifierError('token_revoked', { detail: `ended by ${scope}` })
  requireTimely(token, now)
  if (!token.key.isTrusted) throw new VerifierError('invalid_token', { detail: 'its key is trusted no more' })
  if (!token.issuer.keys.isFresh()) throw new VerifierError('verifier_not_ready', { detail: 'the key set is too old' })
}
