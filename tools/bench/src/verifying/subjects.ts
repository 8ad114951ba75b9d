import { createPublicKey } from 'node:crypto'
import { createVerifier, type Verifier } from '@ledgate/verifier'
import { JwtVerifier } from 'aws-jwt-verify'
import { createVerifier as fastJwt } from 'fast-jwt'
import { importJWK, jwtVerify } from 'jose'
import { liveFeed } from './live-feed.ts'
import { AUDIENCE, ISSUER, type Issued, REQUIRED, TYP } from './tokens.ts'
import type { Party } from './verifying.ts'

/** One way of checking a token; synchronous where the library is. Refuses by throwing or rejecting. */
export type Check = (token: string) => unknown

/** Whose tokens are checked, and whether they are presented again and again. */
export interface Presented extends Pick<Issued, 'alg' | 'jwk'> {
  readonly isSeen: boolean
}

/** Tokens a cache holds: more than are presented again and again. */
const REMEMBERED = 10_000

async function ledgate({ jwk }: Presented): Promise<Verifier> {
  const feed = await liveFeed()
  const sets = new Map([
    [`${ISSUER}/jwks`, jwk],
    [`${ISSUER}/revocations/jwks`, feed.jwk],
  ])
  const verifier = createVerifier({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: { uri: `${ISSUER}/jwks`, fetch: async (input) => Response.json({ keys: [sets.get(String(input))] }) },
    revocations: feed.source,
    cache: { maxTokens: REMEMBERED },
  })
  await verifier.start()
  return verifier
}

/** jose with the key in hand. It has no cache. */
async function jose({ alg, jwk }: Presented): Promise<Check> {
  const key = await importJWK(jwk, alg)
  return (token) =>
    jwtVerify(token, key, { issuer: ISSUER, audience: AUDIENCE, typ: TYP, algorithms: [alg], requiredClaims: REQUIRED })
}

/** fast-jwt with the key in hand. Its cache would only cost it time where no token comes twice. */
async function fast({ alg, jwk, isSeen }: Presented): Promise<Check> {
  return fastJwt({
    key: createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' }).toString(),
    algorithms: [alg],
    allowedIss: ISSUER,
    allowedAud: AUDIENCE,
    checkTyp: TYP,
    requiredClaims: [...REQUIRED],
    cache: isSeen ? REMEMBERED : false,
  })
}

/** aws-jwt-verify with the key set in hand. It has no cache, and leaves `typ` and most claims to whoever uses it. */
async function aws({ jwk }: Presented): Promise<Check> {
  const verifier = JwtVerifier.create({
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUri: `${ISSUER}/jwks`,
    customJwtCheck({ header, payload }) {
      if (header.typ !== TYP) throw new Error('typ')
      for (const claim of REQUIRED) if (!(claim in payload)) throw new Error(claim)
    },
  })
  verifier.cacheJwks({ keys: [jwk as never] })
  return (token) => verifier.verifySync(token)
}

/**
 * All subjects of the measurement, prepared. All check the same: the signature by the one algorithm, `iss`, `aud`, `typ`, `exp`,
 * `nbf` and that all required claims are there. Ledgate's checks the revocations beside.
 */
export const subjects: Readonly<Record<Party, (presented: Presented) => Promise<Check>>> = {
  'Ledgate verify': async (presented) => {
    const verifier = await ledgate(presented)
    return (token) => verifier.verify(token)
  },
  'Ledgate verifySync': async (presented) => {
    const verifier = await ledgate(presented)
    return (token) => verifier.verifySync(token) ?? verifier.verify(token)
  },
  jose,
  'fast-jwt': fast,
  'aws-jwt-verify': aws,
}
