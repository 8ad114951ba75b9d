import { VerifierError } from '../error/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'
import type { RequestContext } from '../principal/index.ts'
import type { VerifiedToken } from './verified-token.ts'

const refusal = (detail: string): VerifierError => new VerifierError('invalid_token', { detail })

/**
 * That a token was presented in the way it is bound: RFC 9449 §7.1, RFC 6750. A bound token is no bearer token, nor the other
 * way round.
 *
 * @returns how to check the proof of possession that is still needed; `undefined` when none is.
 * @throws {VerifierError} when it was presented wrongly, or is bound in a way nothing here checks.
 */
export function proofNeeded(
  { principal, isBoundOtherwise }: VerifiedToken,
  checker: ProofChecker | undefined,
  { scheme = 'Bearer', dpop: proof, method, url }: RequestContext,
): ((accessToken: string) => Promise<void>) | undefined {
  const jkt = principal.confirmation?.jkt
  if (isBoundOtherwise) throw refusal('bound to a key in a way that is not checked here')
  if (jkt === undefined) {
    if (scheme === 'DPoP') throw refusal('a bearer token presented as bound')
    if (checker?.policy === 'require') throw refusal('a bearer token, where bound ones are required')
    return undefined
  }
  if (checker === undefined) throw refusal('bound by DPoP, which is not taken here')
  if (scheme !== 'DPoP') throw refusal('a bound token presented as a bearer token')
  if (method === undefined || url === undefined)
    throw new TypeError('a DPoP proof can only be checked with the method and the url of the request')
  return (accessToken) => checker.check({ proof, method, url, accessToken, jkt })
}
