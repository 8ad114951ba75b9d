/**
 * An ECDSA signature is two integers. JWS puts them side by side, each as long as the curve (RFC 7518 §3.4); OpenSSL takes and gives
 * them in DER (RFC 3279 §2.2.3). To be asked for the form of JWS (`dsaEncoding`), Node 24 reads the key anew each time, which takes
 * longer than to sign and half as long as to verify.
 */

/** Bytes of one integer of P-256. */
const HALF = 32

/** One DER integer at `at`, written to the right end of its half; gives where the next begins. */
function copyInteger(der: Buffer, at: number, half: Buffer): number {
  const end = at + 2 + (der[at + 1] ?? 0)
  const digits = der.subarray(Math.max(at + 2, end - HALF), end) // DER may put a zero before, to keep it positive
  digits.copy(half, HALF - digits.length)
  return end
}

/** A DER signature of P-256 in the form of JWS. */
export function concatenated(der: Buffer): Buffer {
  const both = Buffer.alloc(2 * HALF)
  const second = copyInteger(der, 2, both.subarray(0, HALF))
  copyInteger(der, second, both.subarray(HALF))
  return both
}

/** An integer with no more zeros in front than keep it from being negative, X.690 §8.3; gives where it ends. */
function writeInteger(bytes: Uint8Array, der: Uint8Array, at: number): number {
  let first = 0
  while (first < bytes.length - 1 && bytes[first] === 0) first += 1
  const sign = (bytes[first] ?? 0) >> 7
  const length = sign + bytes.length - first
  der[at] = 2
  der[at + 1] = length
  der.set(bytes.subarray(first), at + 2 + sign)
  return at + 2 + length
}

/** A signature in the form of JWS, of any curve, in DER. */
export function inDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2
  const der = new Uint8Array(signature.length + 9)
  const second = writeInteger(signature.subarray(0, half), der, 3)
  const end = writeInteger(signature.subarray(half), der, second)
  const length = end - 3
  // From 128 on a length says first how many bytes it takes, X.690 §8.1.3.
  const isShort = length < 0x80
  der.set(isShort ? [0x30, length] : [0x30, 0x81, length], isShort ? 1 : 0)
  return der.subarray(isShort ? 1 : 0, end)
}
