import { createPublicKey, type JsonWebKey } from 'node:crypto'
import { isKid, isSoundKey, LONGEST_KID } from '@ledgate/jws'

/** Asymmetric signatures only: a client's public key must never be taken for a shared secret. */
export const ASSERTION_ALGS = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
]

/** A registered key, as far as its use goes: RFC 7517 §4. */
type Jwk = Readonly<Record<string, unknown>>

/** Why nothing can ever be done with a public key; `undefined` for one that is of use. Registration and use both ask here. */
export function flawOf(jwk: Jwk): string | undefined {
  const { kid } = jwk
  if (kid !== undefined && !(typeof kid === 'string' && isKid(kid)))
    return `has a kid that is not 1 to ${LONGEST_KID} characters`
  try {
    const { kty, crv, x, y, n, e } = jwk
    const key = createPublicKey({ key: { kty, crv, x, y, n, e } as JsonWebKey, format: 'jwk' })
    return isSoundKey(key) ? undefined : 'is an RSA key of an unsupported length or exponent'
  } catch {
    return 'is not a valid key'
  }
}

const isOneOrNone = (value: unknown, wanted: string) =>
  value === undefined || value === wanted || (Array.isArray(value) && value.includes(wanted))

/** What a key has to be to sign by an algorithm: RFC 7518 §3.1, RFC 8037 §3.1. */
function kindOf(alg: string): readonly [kty: string, crv?: string] {
  if (alg.startsWith('E') && alg !== 'EdDSA' && alg !== 'Ed25519')
    return ['EC', { ES256: 'P-256', ES384: 'P-384' }[alg] ?? 'P-521']
  return /^[PR]S/.test(alg) ? ['RSA'] : ['OKP', 'Ed25519']
}

/** Whether a key can check a signature by one of the algorithms, as it says itself. */
export const verifiesBy = (jwk: Jwk, algs: readonly string[]): boolean =>
  isOneOrNone(jwk['use'], 'sig') &&
  isOneOrNone(jwk['key_ops'], 'verify') &&
  algs.some((alg) => {
    const [kty, crv] = kindOf(alg)
    return isOneOrNone(jwk['alg'], alg) && jwk['kty'] === kty && (crv === undefined || jwk['crv'] === crv)
  })
