/**
 * An ECDSA signature consists of two integers. JWS concatenates them at a fixed length (RFC 7518 §3.4); OpenSSL uses DER
 * (RFC 3279 §2.2.3). With the option for the JWS form (`dsaEncoding`), Node 24 imports the key again for each call, which takes
 * longer than signing and half as long as verifying.
 */

/** The length of one integer of P-256, in bytes. */
const HALF = 32

/** Copies the DER integer at `at` to the right end of its half; returns the offset of the next one. */
function copyInteger(der: Buffer, at: number, half: Buffer): number {
  const end = at + 2 + (der[at + 1] ?? 0)
  const digits = der.subarray(Math.max(at + 2, end - HALF), end) // DER adds a leading zero where the first bit is set
  digits.copy(half, HALF - digits.length)
  return end
}

/** Converts a P-256 signature from DER to the form of JWS. */
export function derToJws(der: Buffer): Buffer {
  const both = Buffer.alloc(2 * HALF)
  const second = copyInteger(der, 2, both.subarray(0, HALF))
  copyInteger(der, second, both.subarray(HALF))
  return both
}

/** Writes a DER integer with the fewest leading zeros, X.690 §8.3; returns the offset after it. */
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

/** Converts a signature of any curve from the form of JWS to DER. */
export function jwsToDer(signature: Uint8Array): Uint8Array {
  const half = signature.length / 2
  const der = new Uint8Array(signature.length + 9)
  const second = writeInteger(signature.subarray(0, half), der, 3)
  const end = writeInteger(signature.subarray(half), der, second)
  const length = end - 3
  // A length from 128 on has a prefix with its number of bytes, X.690 §8.1.3.
  const isShort = length < 0x80
  der.set(isShort ? [0x30, length] : [0x30, 0x81, length], isShort ? 1 : 0)
  return der.subarray(isShort ? 1 : 0, end)
}
