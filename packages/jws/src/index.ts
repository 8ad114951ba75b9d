/** Parses compact JWS and verifies signatures, RFC 7515. Claims are validated elsewhere. */
export * from './compact.ts'
export { hmacSha256, isSameSecret, sha256 } from './digest.ts'
export { derToJws } from './ecdsa.ts'
export * from './kid.ts'
export * from './signature.ts'
