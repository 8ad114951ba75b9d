/** Compact JWS as they come, RFC 7515: their parts, and whether a key signed them. What follows from that is others' business. */
export * from './compact.ts'
export { concatenated } from './ecdsa.ts'
export * from './kid.ts'
export * from './signature.ts'
