/** Bytes of one number of a P-256 signature. */
const HALF = 32

/** One DER integer at `at`, written to the right end of its half; gives where the next begins. */
function copyInteger(der: Buffer, at: number, half: Buffer): number {
  const end = at + 2 + (der[at + 1] ?? 0)
  const digits = der.subarray(Math.max(at + 2, end - HALF), end) // DER may put a zero before, to keep it positive
  digits.copy(half, HALF - digits.length)
  return end
}

/**
 * A DER signature of P-256 as RFC 7518 §3.4 wants it: `r` and `s`, 32 bytes each. Asking node:crypto for this form
 * (`dsaEncoding`) more than doubles the time of a signature on Node 24: with an options object it parses the key again.
 */
export function concatenated(der: Buffer): Buffer {
  const both = Buffer.alloc(2 * HALF)
  const second = copyInteger(der, 2, both.subarray(0, HALF))
  copyInteger(der, second, both.subarray(HALF))
  return both
}
