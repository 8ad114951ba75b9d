import { type VerificationKey, verificationKey } from '@ledgate/jws'
import { importJWK, type JWK } from 'jose'
import { z } from 'zod'
import { isPublic } from './public-key.ts'
import type { SignatureAlgorithm } from './types.ts'

/** A public key of an issuer, and the one algorithm it is used with. */
export interface TrustedKey extends VerificationKey {
  readonly kid: string
  /** The key as it was published: the same kid with another key is another key. */
  readonly published: string
  /** Falls, and never rises again, when the key leaves the set: whoever kept the key asks before each use. */
  isTrusted: boolean
}

const Base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)

/** What the key must be able to do where it says what it is for, RFC 7517 §4.2 and §4.3. */
const Purpose = {
  kid: z.string().min(1).max(255),
  alg: z.string().optional(),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((operations) => operations.includes('verify'))
    .optional(),
}

/** Public keys that can verify a signature; a private or symmetric member makes a key none. */
const PublishedKey = z
  .discriminatedUnion('kty', [
    z.looseObject({
      kty: z.literal('EC'),
      crv: z.enum(['P-256', 'P-384', 'P-521']),
      x: Base64url,
      y: Base64url,
      ...Purpose,
    }),
    z.looseObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: Base64url, ...Purpose }),
    z.looseObject({ kty: z.literal('RSA'), n: Base64url, e: Base64url, ...Purpose }),
  ])
  .refine(isPublic)
type PublishedKey = z.infer<typeof PublishedKey>

/** More than a rotation needs. */
const MAX_KEYS = 100

/** A set as it comes: what is in it is looked at one by one, for a key of a kind we do not know is no fault, RFC 7517 §5. */
const KeySet = z.looseObject({ keys: z.array(z.unknown()).max(MAX_KEYS) })

const CURVE_ALGORITHMS = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' } as const

/** The one algorithm of a key: what it says, if that fits its kind; a token does not choose. */
function algorithmOf(jwk: PublishedKey): SignatureAlgorithm | undefined {
  if (jwk.kty === 'RSA') {
    if (jwk.alg === undefined || jwk.alg === 'RS256') return 'RS256'
    return jwk.alg === 'PS256' ? 'PS256' : undefined
  }
  const alg = CURVE_ALGORITHMS[jwk.crv]
  const isSame = jwk.alg === undefined || jwk.alg === alg || (jwk.alg === 'Ed25519' && alg === 'EdDSA')
  return isSame ? alg : undefined
}

/** Only what makes the key: `ext`, `x5c` and the like are of no use here, and an odd one must not cost the key. */
function materialOf(jwk: PublishedKey): JWK {
  switch (jwk.kty) {
    case 'EC':
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x, y: jwk.y }
    case 'OKP':
      return { kty: jwk.kty, crv: jwk.crv, x: jwk.x }
    case 'RSA':
      return { kty: jwk.kty, n: jwk.n, e: jwk.e }
  }
}

async function trustedKey(
  candidate: unknown,
  algorithms: readonly SignatureAlgorithm[],
): Promise<TrustedKey | undefined> {
  const { data: jwk } = PublishedKey.safeParse(candidate)
  const alg = jwk && algorithmOf(jwk)
  if (jwk === undefined || alg === undefined || !algorithms.includes(alg)) return undefined
  try {
    const material = materialOf(jwk)
    const imported = await importJWK(material, alg)
    const key = imported instanceof Uint8Array ? undefined : verificationKey(imported, [alg])
    return key && { ...key, kid: jwk.kid, published: JSON.stringify([alg, material]), isTrusted: true }
  } catch {
    return undefined // not a point of its curve, too short, or the like
  }
}

/**
 * The keys of a set that can verify tokens, by kid; of two with one kid only the first. Keys of other kinds and for other
 * purposes are passed over.
 *
 * @throws {TypeError} when it is no key set, or holds no key of use: it is not what it was taken for.
 */
export async function readKeySet(
  text: string,
  algorithms: readonly SignatureAlgorithm[],
): Promise<ReadonlyMap<string, TrustedKey>> {
  const { success, data } = KeySet.safeParse(parsed(text))
  if (!success) throw new TypeError('not a key set (RFC 7517 §5)')
  const keys = await Promise.all(data.keys.map((candidate) => trustedKey(candidate, algorithms)))
  const usable = new Map<string, TrustedKey>()
  for (const key of keys) if (key !== undefined && !usable.has(key.kid)) usable.set(key.kid, key)
  if (usable.size === 0) throw new TypeError('a key set without a key that verifies tokens')
  return usable
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
