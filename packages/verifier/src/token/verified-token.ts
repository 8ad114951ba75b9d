import type { PreparedToken, Scope } from '@ledgate/revocation'
import { VerifierError } from '../error/index.ts'
import type { TrustedKey } from '../key/index.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'
import type { Principal } from '../principal/index.ts'

/**
 * A token with a verified signature, which can be cached. Everything about it that can change is checked again at each use.
 */
export interface VerifiedToken {
  readonly issuer: TrustedIssuer
  readonly key: TrustedKey
  readonly principal: Principal
  /** The signed token: the inner one, if it was encrypted. */
  readonly signed: string
  /** Milliseconds since the epoch from which it is valid. */
  readonly notBefore: number
  /** Milliseconds since the epoch from which it is no longer valid. */
  readonly expiresAt: number
  /** Whether it is bound to a key by another method than DPoP. */
  readonly isBoundOtherwise: boolean
  readonly revocable: Revocable | undefined
}

/** The last known revocation state of a token. */
export interface Revocable {
  readonly prepared: PreparedToken
  /** The version of the index in which the token was not revoked: with the same version it still is not. */
  aliveAt: number
  /** Set once, since a revocation is final. */
  endedBy: Scope | undefined
}

/** The scope in which it is revoked; the index is only asked when it has changed. */
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
 * Whether the cached verification of a token still holds. It does not when its key has left the set: a key with the same id may be
 * another one, so the signature is verified again. A revoked token stays revoked.
 */
export const stillHolds = (token: VerifiedToken): boolean => token.key.isTrusted || endedBy(token) !== undefined

/** Requires that a token is neither expired nor used too early. @param now milliseconds since the epoch. @throws {VerifierError} */
export function requireTimely(
  { expiresAt, notBefore }: Pick<VerifiedToken, 'expiresAt' | 'notBefore'>,
  now: number,
): void {
  if (!(now < expiresAt)) throw new VerifierError('token_expired', { detail: 'expired' })
  if (!(now >= notBefore)) throw new VerifierError('invalid_token', { detail: 'not valid yet' })
}

/**
 * Requires that a token is valid now: not revoked, not expired, and signed with a key that is still trusted.
 *
 * @param now milliseconds since the epoch.
 * @throws {VerifierError} if it is not; a revocation takes precedence over the other causes.
 */
export function requireValid(token: VerifiedToken, now: number): void {
  const scope = endedBy(token)
  if (scope !== undefined) throw new VerifierError('token_revoked', { detail: `revoked by ${scope}` })
  requireTimely(token, now)
  if (!token.key.isTrusted) throw new VerifierError('invalid_token', { detail: 'its key is no longer trusted' })
  if (!token.issuer.keys.isFresh()) throw new VerifierError('verifier_not_ready', { detail: 'the key set is too old' })
}
