/** The options of a verifier, and their checks. */
export { audienceOf, boundsOf, issuersOf } from './checked-options.ts'
export type { IssuerOptions, OnStale, Revocations, StalePolicy, VerifierOptions } from './verifier-options.ts'
