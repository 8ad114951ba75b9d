import { KeyObject, verify } from 'node:crypto'
import type { CryptoKey } from 'jose'

/** By what statements of a feed are signed, whatever tokens are: docs/revocation-notices.md. */
export const FEED_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const

/** What a key can sign by: the key says it, never a message (RFC 8725 §3.1). */
type FeedAlgorithm = (typeof FEED_ALGORITHMS)[number]

/** A public key of a feed, and the one algorithm it is used with. */
export interface VerificationKey {
  readonly alg: FeedAlgorithm
  readonly key: KeyObject
}

/** RFC 7518 §3.3. */
const LEAST_RSA_BITS = 2_048
/** Bytes of each of the two integers of an ES256 signature, RFC 7518 §3.4. */
const ES256_INTEGER = 32

function algorithmOf({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject): FeedAlgorithm | undefined {
  if (type !== 'public') return undefined
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'ec') return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : undefined
  const isRsa = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS
  return isRsa ? 'RS256' : undefined
}

/** How WebCrypto names what signs by these algorithms. */
const NAMES = ['ECDSA', 'Ed25519', 'RSASSA-PKCS1-v1_5']

/** Whether a CryptoKey is for this: it is bound to a use and a hash, of which its KeyObject knows nothing. */
function isMeantFor({ usages, algorithm }: CryptoKey): boolean {
  const { hash } = algorithm as { readonly hash?: { readonly name: string } }
  return usages.includes('verify') && NAMES.includes(algorithm.name) && (hash === undefined || hash.name === 'SHA-256')
}

const known = new WeakMap<object, VerificationKey>()

/** A key that can verify a signature, made ready once; `undefined` when it is none that a feed may sign with. */
export function verificationKey(given: CryptoKey | KeyObject): VerificationKey | undefined {
  const ready = known.get(given)
  if (ready !== undefined) return ready
  if (!(given instanceof KeyObject) && !isMeantFor(given)) return undefined
  const key = given instanceof KeyObject ? given : KeyObject.from(given)
  const alg = algorithmOf(key)
  if (alg === undefined) return undefined
  const made = { alg, key }
  known.set(given, made)
  return made
}

/** An integer in DER: no more zeros in front than keep it from being negative, X.690 §8.3. */
function integer(bytes: Uint8Array): readonly number[] {
  const first = bytes.findIndex((byte) => byte !== 0)
  const digits = first < 0 ? [0] : [...bytes.subarray(first)]
  const value = (digits[0] ?? 0) > 0x7f ? [0, ...digits] : digits
  return [2, value.length, ...value]
}

/** An ES256 signature as OpenSSL takes it, RFC 3279 §2.2.3. To be told of another form, Node reads the key anew each time. */
function inDer(signature: Uint8Array): Uint8Array {
  const numbers = [...integer(signature.subarray(0, ES256_INTEGER)), ...integer(signature.subarray(ES256_INTEGER))]
  return Uint8Array.from([0x30, numbers.length, ...numbers])
}

type Arguments = [digest: 'sha256' | null, input: Uint8Array, key: KeyObject, signature: Uint8Array]

/** As OpenSSL takes them; `undefined` where no key of this algorithm can have signed so. */
function argumentsOf({ alg, key }: VerificationKey, input: Uint8Array, signature: Uint8Array): Arguments | undefined {
  if (alg === 'EdDSA') return [null, input, key, signature]
  if (alg === 'RS256') return ['sha256', input, key, signature]
  return signature.length === 2 * ES256_INTEGER ? ['sha256', input, key, inDer(signature)] : undefined
}

function aside(all: Arguments): Promise<boolean> {
  return new Promise((resolve, reject) => {
    verify(...all, (error, isSigned) => (error === null ? resolve(isSigned) : reject(error)))
  })
}

/**
 * Whether a key signed this, RFC 7515 §5.2.
 *
 * @param isAside lets another thread look. To wait for that takes longer than to look, but of many it looks at several at a time.
 */
export async function isSignedBy(
  key: VerificationKey,
  input: Uint8Array,
  signature: Uint8Array,
  isAside: boolean,
): Promise<boolean> {
  const all = argumentsOf(key, input, signature)
  if (all === undefined) return false
  return isAside ? aside(all) : verify(...all)
}
