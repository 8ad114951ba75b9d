/** The verifier itself. */
export { createVerifier } from './create-verifier.ts'
export type { Verifier, VerifierHealth } from './verifier.ts'
