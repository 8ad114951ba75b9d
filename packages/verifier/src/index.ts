/** Checks access tokens of Ledgate, and of whoever follows RFC 9068, where they are used: without asking anybody. */
export type { ChallengeContext, ChallengeParameters, Scheme } from './challenge.ts'
export * from './errors.ts'
export * from './guard.ts'
export { introspection, type IntrospectionOptions } from './introspection.ts'
export type * from './types.ts'
export { createVerifier } from './verifier.ts'
