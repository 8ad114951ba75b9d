/** Compact JWS as they come, RFC 7515: their parts, and whether a key signed them. What follows from that is others' business. */
export * from './compact.ts'
export { hmacSha256, isSameSecret, sha256 } from './digest.ts'
export { concatenated } from './ecdsa.ts'
export * from './kid.ts'
export * from './signature.ts'
