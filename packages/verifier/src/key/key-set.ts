import { LONGEST_KID, type VerificationKey, toVerificationKey } from '@ledgate/jws'
import { importJWK, type JWK } from 'jose'
import { z } from 'zod'
import { isPublic } from './public-key.ts'
import { namesOf } from './signature-algorithm.ts'
import type { SignatureAlgorithm } from '@ledgate/jws'

/** A public key of an issuer, with the one algorithm it is used with. */
export interface TrustedKey extends VerificationKey {
  /** `undefined` if the key has no `kid`, RFC 7517 §4.5. */
  readonly kid: string | undefined
  /** The values of `alg` that a token with this key may have: the one of the key, or every name of the algorithm if it has none. */
  readonly names: readonly string[]
  /** The key as it was published: the same `kid` with other key material is another key. */
  readonly published: string
  /** Becomes false for good when the key leaves the set. Holders of the key check it before each use. */
  isTrusted: boolean
}

const Base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)

/** The purpose of the key, which must include verification if it is given, RFC 7517 §4.2 and §4.3. */
const Purpose = {
  kid: z.string().min(1).max(LONGEST_KID).optional(),
  alg: z.string().optional(),
  use: z.literal('sig').optional(),
  key_ops: z
    .array(z.string())
    .refine((operations) => operations.includes('verify'))
    .optional(),
}

/** Public keys that can verify a signature; keys with private or symmetric members are excluded. */
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

/** A set as it is published: its keys are parsed one by one, since keys of an unknown type are ignored, RFC 7517 §5. */
const KeySet = z.looseObject({ keys: z.array(z.unknown()).max(MAX_KEYS) })

const CURVE_ALGORITHMS = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' } as const

/** The algorithms that fit a key. */
const fitting = (jwk: PublishedKey): readonly SignatureAlgorithm[] =>
  jwk.kty === 'RSA' ? ['RS256', 'PS256'] : [CURVE_ALGORITHMS[jwk.crv]]

/**
 * The one algorithm of a key, RFC 8725 §3.1: its `alg` if that fits its type; without one, the first allowed algorithm that fits.
 * The token does not choose.
 */
function algorithmOf(
  jwk: PublishedKey,
  allowed: readonly SignatureAlgorithm[],
): Pick<TrustedKey, 'alg' | 'names'> | undefined {
  const fit = fitting(jwk)
  const alg = allowed.find((each) => fit.includes(each) && (jwk.alg === undefined || namesOf(each).includes(jwk.alg)))
  return alg && { alg, names: jwk.alg === undefined ? namesOf(alg) : [jwk.alg] }
}

/** Only the key material: `ext`, `x5c` and the like are not used, and a malformed one must not invalidate the key. */
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
  if (jwk === undefined) return undefined
  const algorithm = algorithmOf(jwk, algorithms)
  if (algorithm === undefined) return undefined
  const { alg, names } = algorithm
  try {
    const material = materialOf(jwk)
    const imported = await importJWK(material, alg)
    const key = imported instanceof Uint8Array ? undefined : toVerificationKey(imported, [alg])
    return key && { ...key, names, kid: jwk.kid, published: JSON.stringify([names, material]), isTrusted: true }
  } catch {
    return undefined // The key material is invalid or too short.
  }
}

/**
 * The keys of a set that can verify tokens, in its order. Keys of other types and for other purposes are ignored. Several keys may
 * have the same `kid`, such as keys of different types (RFC 7517 §4.5), or none.
 *
 * @throws {TypeError} if it is not a key set, or contains no usable key.
 */
export async function readKeySet(
  text: string,
  algorithms: readonly SignatureAlgorithm[],
): Promise<readonly TrustedKey[]> {
  const { success, data } = KeySet.safeParse(parsed(text))
  if (!success) throw new TypeError('not a key set (RFC 7517 §5)')
  const keys = await Promise.all(data.keys.map((candidate) => trustedKey(candidate, algorithms)))
  const usable = keys.filter((key) => key !== undefined)
  if (usable.length === 0) throw new TypeError('the key set contains no key that can verify tokens')
  return usable
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
