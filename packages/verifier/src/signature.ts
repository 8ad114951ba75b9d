import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto'
import type { JWK } from 'jose'
import type { SignatureAlgorithm } from './types.ts'

/** Whether the private half of a key signed these bytes. */
export type SignatureCheck = (input: Uint8Array, signature: Uint8Array) => boolean

const MIN_MODULUS_BITS = 2_048

/** An unsigned integer of DER: without zeros before it, but for one that keeps it from being negative (X.690 §8.3). */
function writeInteger(digits: Uint8Array, der: Uint8Array, at: number): number {
  let first = 0
  while (first < digits.length - 1 && digits[first] === 0) first += 1
  const sign = (digits[first] ?? 0) >> 7
  der[at] = 0x02
  der[at + 1] = sign + digits.length - first
  der[at + 2] = 0
  der.set(digits.subarray(first), at + 2 + sign)
  return at + 2 + sign + digits.length - first
}

/** An ECDSA signature of JOSE (RFC 7518 §3.4) in the form of OpenSSL, which takes a quarter longer to convert it itself. */
function derOf(signature: Uint8Array): Uint8Array {
  const size = signature.length / 2
  const integers = new Uint8Array(signature.length + 6)
  const length = writeInteger(
    signature.subarray(size),
    integers,
    writeInteger(signature.subarray(0, size), integers, 0),
  )
  const head = length < 0x80 ? [0x30, length] : [0x30, 0x81, length]
  const der = new Uint8Array(head.length + length)
  der.set(head)
  der.set(integers.subarray(0, length), head.length)
  return der
}

const ecdsa =
  (key: KeyObject, hash: string, size: number): SignatureCheck =>
  (input, signature) =>
    signature.length === size * 2 && verify(hash, input, key, derOf(signature))

/**
 * How the signatures of a public key are checked, by its one algorithm (RFC 7518 §3, RFC 8037 §3.1). On the thread that asks:
 * to have another one do it, as WebCrypto does, costs that thread as much as most signatures take.
 *
 * @throws when it is no such key, or an RSA key too short.
 */
export function signatureCheck(jwk: JWK, alg: SignatureAlgorithm): SignatureCheck {
  const key = createPublicKey({ key: jwk, format: 'jwk' })
  const { modulusLength = MIN_MODULUS_BITS } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < MIN_MODULUS_BITS) throw new TypeError('a modulus too short')
  switch (alg) {
    case 'ES256':
      return ecdsa(key, 'sha256', 32)
    case 'ES384':
      return ecdsa(key, 'sha384', 48)
    case 'ES512':
      return ecdsa(key, 'sha512', 66)
    case 'EdDSA':
      return (input, signature) => verify(null, input, key, signature)
    case 'RS256':
      return (input, signature) => verify('sha256', input, key, signature)
    case 'PS256': {
      const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }
      return (input, signature) => verify('sha256', input, pss, signature)
    }
  }
}
