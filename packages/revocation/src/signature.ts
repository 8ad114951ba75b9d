import { KeyObject, verify } from 'node:crypto'
import type { CryptoKey } from 'jose'

/** What a key can sign by: the key says it, never a message (RFC 8725 §3.1). */
export type SignatureAlgorithm = 'ES256' | 'EdDSA' | 'RS256'

/** A public key of a feed, and the one algorithm it is used with. */
export interface VerificationKey {
  readonly alg: SignatureAlgorithm
  readonly key: KeyObject
}

/** RFC 7518 §3.3. */
const LEAST_RSA_BITS = 2_048
/** Bytes of each of the two integers of an ES256 signature, RFC 7518 §3.4. */
const ES256_INTEGER = 32

function algorithmOf({ type, asymmetricKeyType, asymmetricKeyDetails }: KeyObject): SignatureAlgorithm | undefined {
  if (type !== 'public') return undefined
  if (asymmetricKeyType === 'ed25519') return 'EdDSA'
  if (asymmetricKeyType === 'ec') return asymmetricKeyDetails?.namedCurve === 'prime256v1' ? 'ES256' : undefined
  const isRsa = asymmetricKeyType === 'rsa' && (asymmetricKeyDetails?.modulusLength ?? 0) >= LEAST_RSA_BITS
  return isRsa ? 'RS256' : undefined
}

const known = new WeakMap<object, VerificationKey>()

/** A key that can verify a signature, made ready once; `undefined` when it is none that a feed may sign with. */
export function verificationKey(given: CryptoKey | KeyObject): VerificationKey | undefined {
  const ready = known.get(given)
  if (ready !== undefined) return ready
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

/** An ES256 signature as OpenSSL takes it, RFC 3279 §2.2.3. To have Node turn it around takes as long as to verify it. */
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

/** Whether a key signed this, RFC 7515 §5.2. At once: to wait for another thread takes longer than to look. */
export function isSignedBy(key: VerificationKey, input: Uint8Array, signature: Uint8Array): boolean {
  const all = argumentsOf(key, input, signature)
  return all !== undefined && verify(...all)
}

/** The same by another thread: of many, that looks at several at a time. */
export function isSignedByAside(key: VerificationKey, input: Uint8Array, signature: Uint8Array): Promise<boolean> {
  const all = argumentsOf(key, input, signature)
  if (all === undefined) return Promise.resolve(false)
  return new Promise((resolve, reject) => {
    verify(...all, (error, isSigned) => (error === null ? resolve(isSigned) : reject(error)))
  })
}
