import { VerifierError, type VerifierErrorCode } from '../../src/error/verifier-error.ts'
import type { RequestVerifier } from '../../src/request/index.ts'
import type { Principal } from '../../src/principal/principal.ts'
import type { RequestContext } from '../../src/principal/request-context.ts'

/** A principal as a token of the demo would say it. */
export const principal = (changes: Partial<Principal> = {}): Principal => ({
  issuer: 'https://auth.example',
  sub: 'u_1',
  clientId: 'c_1',
  jti: 'j_1',
  iat: 1,
  exp: 2,
  audience: ['https://api.example'],
  scopes: new Set(['orders:read']),
  roles: new Set(),
  entitlements: new Set(['orders/7']),
  kind: 'user',
  claims: {},
  facts: { jti: 'j_1', client_id: 'c_1', sub: 'u_1', kid: 'k_1', isOffline: false },
  ...changes,
})

/** Verifies nothing: the token `good` is good, and any other one says how it is to be refused. Keeps what it was asked. */
export function stubVerifier(challenge: RequestVerifier['challenge'] = {}) {
  const contexts: RequestContext[] = []
  const verifier: RequestVerifier = {
    challenge,
    async verify(token, context = {}) {
      contexts.push(context)
      if (token === 'good') return principal()
      if (token === 'broken') throw new Error('a mistake of ours')
      if (token === 'nonce') throw new VerifierError('use_dpop_nonce', { headers: { 'DPoP-Nonce': 'n1' } })
      throw new VerifierError(token as VerifierErrorCode, { detail: 'secret reason' })
    },
  }
  return { verifier, contexts }
}
