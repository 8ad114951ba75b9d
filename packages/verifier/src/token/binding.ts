import { VerifierError } from '../error/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'
import type { RequestContext } from '../principal/index.ts'
import type { VerifiedToken } from './verified-token.ts'

const refusal = (detail: string): VerifierError => new VerifierError('invalid_token', { detail })

/**
 * Requires that a token was presented with the scheme of its binding: RFC 9449 §7.1, RFC 6750. A bound token is no bearer token,
 * and a bearer token is not bound.
 *
 * @returns checks the proof of possession that is still needed; `undefined` if none is.
 * @throws {VerifierError} if it was presented with another scheme, or is bound in a way that is not checked here.
 */
export function proofNeeded(
  { principal, isBoundOtherwise }: VerifiedToken,
  checker: ProofChecker | undefined,
  { scheme = 'Bearer', dpop: proof, method, url }: RequestContext,
): ((accessToken: string) => Promise<void>) | undefined {
  const jkt = principal.confirmation?.jkt
  if (isBoundOtherwise) throw refusal('bound to a key by another method than DPoP')
  if (jkt === undefined) {
    if (scheme === 'DPoP') throw refusal('a bearer token in the DPoP scheme')
    if (checker?.policy === 'require') throw refusal('a bearer token where DPoP is required')
    return undefined
  }
  if (checker === undefined) throw refusal('a DPoP-bound token where DPoP is not enabled')
  if (scheme !== 'DPoP') throw refusal('a DPoP-bound token in the Bearer scheme')
  if (method === undefined || url === undefined)
    throw new TypeError('to check a DPoP proof, pass the method and the url of the request')
  return (accessToken) => checker.check({ proof, method, url, accessToken, jkt })
}
