import { LONGEST_KID, type VerificationKey, verificationKey } from '@ledgate/jws'
import { importJWK, type JWK } from 'jose'
import { z } from 'zod'
import { isPublic } from './public-key.ts'
import { namesOf } from './signature-algorithm.ts'
import type { SignatureAlgorithm } from '@ledgate/jws'

/** A public key of an issuer, and the one algorithm it is used with. */
export interface TrustedKey extends VerificationKey {
  /** `undefined` where the set gives it no name, RFC 7517 §4.5. */
  readonly kid: string | undefined
  /** By which names of its algorithm a token may say it: as the key does, and where it does not, by each there is. */
  readonly names: readonly string[]
  /** The key as it was published: the same kid with another key is another key. */
  readonly published: string
  /** Falls, and never rises again, when the key leaves the set: whoever kept the key asks before each use. */
  isTrusted: boolean
}

const Base64url = z.string().regex(/^[A-Za-z0-9_-]+$/)

/** What the key must be able to do where it says what it is for, RFC 7517 §4.2 and §4.3. */
const Purpose = {
  kid: z.string().min(1).max(LONGEST_KID).optional(),
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

/** What a key can sign by. */
const fitting = (jwk: PublishedKey): readonly SignatureAlgorithm[] =>
  jwk.kty === 'RSA' ? ['RS256', 'PS256'] : [CURVE_ALGORITHMS[jwk.crv]]

/**
 * The one algorithm of a key, RFC 8725 §3.1: what it says, if that fits its kind; otherwise the first that is allowed and does.
 * A token does not choose.
 */
function algorithmOf(
  jwk: PublishedKey,
  allowed: readonly SignatureAlgorithm[],
): Pick<TrustedKey, 'alg' | 'names'> | undefined {
  const fit = fitting(jwk)
  const alg = allowed.find((each) => fit.includes(each) && (jwk.alg === undefined || namesOf(each).includes(jwk.alg)))
  return alg && { alg, names: jwk.alg === undefined ? namesOf(alg) : [jwk.alg] }
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
  if (jwk === undefined) return undefined
  const algorithm = algorithmOf(jwk, algorithms)
  if (algorithm === undefined) return undefined
  const { alg, names } = algorithm
  try {
    const material = materialOf(jwk)
    const imported = await importJWK(material, alg)
    const key = imported instanceof Uint8Array ? undefined : verificationKey(imported, [alg])
    return key && { ...key, names, kid: jwk.kid, published: JSON.stringify([names, material]), isTrusted: true }
  } catch {
    return undefined // not a point of its curve, too short, or the like
  }
}

/**
 * The keys of a set that can verify tokens, in its order. Keys of other kinds and for other purposes are passed over; several may have
 * one name, as where they are of different kinds (RFC 7517 §4.5), or none.
 *
 * @throws {TypeError} when it is no key set, or holds no key of use: it is not what it was taken for.
 */
export async function readKeySet(
  text: string,
  algorithms: readonly SignatureAlgorithm[],
): Promise<readonly TrustedKey[]> {
  const { success, data } = KeySet.safeParse(parsed(text))
  if (!success) throw new TypeError('not a key set (RFC 7517 §5)')
  const keys = await Promise.all(data.keys.map((candidate) => trustedKey(candidate, algorithms)))
  const usable = keys.filter((key) => key !== undefined)
  if (usable.length === 0) throw new TypeError('a key set without a key that verifies tokens')
  return usable
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
