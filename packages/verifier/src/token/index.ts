/** From the text of an access token to a verified token, and whether it is valid now. */
export { authenticate, type TokenRules } from './authenticate-token.ts'
export { proofNeeded } from './binding.ts'
export { decryption } from './decryption.ts'
export { noCache, type TokenCache, tokenCache } from './token-cache.ts'
export type { TrustedIssuer } from './trusted-issuer.ts'
export { requireValid, stillHolds, type VerifiedToken } from './verified-token.ts'
