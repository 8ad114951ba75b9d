/**
 * The base of the errors of this package. `code` is stable across versions; the message may change. Both classes and codes are listed
 * in docs/errors.md.
 */
export abstract class RevocationError extends Error {
  abstract override readonly name: string
  abstract readonly code: `ERR_${string}`
}
