import { constants, KeyObject, verify, type VerifyKeyObjectInput } from 'node:crypto'
import type { CryptoKey } from 'jose'
import { jwsToDer } from './ecdsa.ts'

/** The algorithms of signatures with a key pair that are supported, RFC 7518 §3.1 and RFC 8037 §3.1. */
export const SIGNATURE_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256'] as const
export type SignatureAlgorithm = (typeof SIGNATURE_ALGORITHMS)[number]

/** The algorithms that Ledgate signs tokens and feeds with, and that a verifier accepts by default; the first is preferred. */
export const LEDGATE_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const satisfies readonly SignatureAlgorithm[]

/** A key that signatures are verified with, as WebCrypto or as Node has it. */
export type PublicKey = CryptoKey | KeyObject

/** A public key and the only algorithm that it is used with. */
export interface VerificationKey {
  readonly alg: SignatureAlgorithm
  readonly key: KeyObject
}

/** RFC 7518 §3.3. */
const LEAST_RSA_BITS = 2_048
/** Limits the cost of a verification, which grows with the key: twice the length of the longest keys in use. */
const MOST_RSA_BITS = 8_192
const LARGEST_RSA_EXPONENT = 2n ** 256n

interface Kind {
  /** The names of the algorithm in WebCrypto and of the key type in OpenSSL. */
  readonly names: readonly [webCrypto: string, openSsl: string, curve?: string]
  readonly digest: `sha${number}` | null
  /** The length of each of the two integers of an ECDSA signature, in bytes, RFC 7518 §3.4. */
  readonly integer?: number
}

const KINDS: Readonly<Record<SignatureAlgorithm, Kind>> = {
  ES256: { names: ['ECDSA', 'ec', 'prime256v1'], digest: 'sha256', integer: 32 },
  ES384: { names: ['ECDSA', 'ec', 'secp384r1'], digest: 'sha384', integer: 48 },
  ES512: { names: ['ECDSA', 'ec', 'secp521r1'], digest: 'sha512', integer: 66 },
  EdDSA: { names: ['Ed25519', 'ed25519'], digest: null },
  RS256: { names: ['RSASSA-PKCS1-v1_5', 'rsa'], digest: 'sha256' },
  PS256: { names: ['RSA-PSS', 'rsa'], digest: 'sha256' },
}

/** Whether a CryptoKey allows this algorithm: it is bound to usages and a hash, which its KeyObject does not have. */
function isMeantFor({ names: [name], digest }: Kind, { usages, algorithm }: CryptoKey): boolean {
  const { hash } = algorithm as { readonly hash?: { readonly name: string } }
  const isItsHash = hash === undefined || hash.name === digest?.replace('sha', 'SHA-')
  return usages.includes('verify') && algorithm.name === name && isItsHash
}

/**
 * Whether this is a valid public exponent of an RSA key: odd, at least 3 (RFC 8017 §3.1), and below 2^256 (FIPS 186-5 §A.1.1), which
 * limits the cost of a verification. With exponent 1 anyone could forge signatures.
 */
export const isRsaExponent = (exponent: bigint): boolean =>
  exponent >= 3n && exponent % 2n === 1n && exponent < LARGEST_RSA_EXPONENT

/** Whether an RSA key is strong enough and not too long; `true` for other kinds of keys. */
export function isSoundKey({ asymmetricKeyType, asymmetricKeyDetails = {} }: KeyObject): boolean {
  if (asymmetricKeyType !== 'rsa') return true
  const { modulusLength: bits = 0, publicExponent = 0n } = asymmetricKeyDetails
  return bits >= LEAST_RSA_BITS && bits <= MOST_RSA_BITS && isRsaExponent(publicExponent)
}

function isOfKind({ names: [, type, curve] }: Kind, key: KeyObject): boolean {
  const isOfCurve = key.asymmetricKeyDetails?.namedCurve === curve
  return key.type === 'public' && key.asymmetricKeyType === type && isOfCurve && isSoundKey(key)
}

/** Prepares a key for the first of these algorithms that fits it: the key determines it, never a token (RFC 8725 §3.1). */
export function toVerificationKey(
  given: PublicKey,
  algorithms: readonly SignatureAlgorithm[],
): VerificationKey | undefined {
  const bound = given instanceof KeyObject ? undefined : given
  const key = given instanceof KeyObject ? given : KeyObject.from(given)
  const fits = (kind: Kind): boolean => (bound === undefined || isMeantFor(kind, bound)) && isOfKind(kind, key)
  const alg = algorithms.find((each) => fits(KINDS[each]))
  return alg && { alg, key }
}

const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }

type Arguments = [
  digest: string | null,
  input: Uint8Array,
  key: KeyObject | VerifyKeyObjectInput,
  signature: Uint8Array,
]

/** The arguments for OpenSSL; `undefined` when the signature has an invalid length. */
function argumentsOf({ alg, key }: VerificationKey, input: Uint8Array, signature: Uint8Array): Arguments | undefined {
  const { digest, integer: size } = KINDS[alg]
  if (alg === 'PS256') return [digest, input, { key, ...PSS }, signature]
  if (size === undefined) return [digest, input, key, signature]
  return signature.length === 2 * size ? [digest, input, key, jwsToDer(signature)] : undefined
}

/** Verifies a signature, RFC 7515 §5.2. */
export function isSignedBy(key: VerificationKey, input: Uint8Array, signature: Uint8Array): boolean {
  const all = argumentsOf(key, input, signature)
  return all !== undefined && verify(...all)
}

/** Verifies a signature in the thread pool: slower for one, but several run in parallel. */
export async function isSignedByInBackground(
  key: VerificationKey,
  input: Uint8Array,
  signature: Uint8Array,
): Promise<boolean> {
  const all = argumentsOf(key, input, signature)
  if (all === undefined) return false
  return new Promise((resolve, reject) => {
    verify(...all, (error, isSigned) => (error === null ? resolve(isSigned) : reject(error)))
  })
}
