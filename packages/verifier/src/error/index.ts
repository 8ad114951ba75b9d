/** Why a request is refused, and the challenge that its answer carries. */
export type { ChallengeOptions } from './challenge-options.ts'
export type { ChallengeContext, ChallengeParameters, Scheme } from './challenge.ts'
export * from './verifier-error.ts'
