/** Whether a token is revoked, answered exactly and from memory. */
export { prepareToken, type PreparedToken, type RevocationIndex, revocationIndex } from './revocation-index.ts'
export type { TokenFacts } from './token-facts.ts'
