import { createPublicKey, type KeyObject } from 'node:crypto'
import { createVerifier } from '@ledgate/verifier'
import type { RevocationSource } from '@ledgate/revocation'
import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier as fastJwt } from 'fast-jwt'
import { type JWK, jwtVerify } from 'jose'
import { AUDIENCE, ISSUER, type Made, TYP } from './tokens.ts'

/** One way of checking a token; synchronous where the library is. */
export type Check = (token: string) => unknown

/** Tokens a cache holds; all that are presented fit. */
const REMEMBERED = 10_000

/** A feed that is there, says nothing, and is never stale in the time of a bench. */
const quiet = (heartbeats: () => AsyncIterable<readonly { jws: string; cursor: string }[]>): RevocationSource => ({
  name: 'quiet',
  open: heartbeats,
})

/** Ledgate's verifier, started, with its cache or without. */
export async function ledgate(made: Made, isCached: boolean): Promise<Check> {
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { uri: `${ISSUER}/jwks`, fetch: made.fetch, refreshAheadMs: 3_600_000 },
    feedKeysUri: `${ISSUER}/feed-jwks`,
    revocations: quiet(made.feed),
    onStale: { maxStalenessMs: 3_600_000 },
    cache: isCached ? { maxTokens: REMEMBERED } : false,
  })
  await verifier.start()
  return isCached ? (token) => verifier.verifySync(token) ?? verifier.verify(token) : (token) => verifier.verify(token)
}

/** jose with the key in hand, as little as it can do. */
export const jose =
  ({ publicKey }: Made): Check =>
  (token) =>
    jwtVerify(token, publicKey, { issuer: ISSUER, audience: AUDIENCE, typ: TYP })

/** fast-jwt, whose cache knows nothing of revocations. */
export function fast({ publicJwk, alg }: Made, isCached: boolean): Check {
  const key: KeyObject = createPublicKey({ key: publicJwk as JWK, format: 'jwk' })
  return fastJwt({
    key: key.export({ type: 'spki', format: 'pem' }).toString(),
    algorithms: [alg],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    cache: isCached ? REMEMBERED : false,
  })
}

/** aws-jwt-verify, synchronously, with the key set in hand. It has no cache of tokens. */
export function aws({ publicJwk }: Made): Check {
  const verifier = JwtVerifier.create({ issuer: ISSUER, audience: AUDIENCE, jwksUri: `${ISSUER}/jwks` })
  verifier.cacheJwks({ keys: [publicJwk as never] })
  return (token) => verifier.verifySync(token)
}
