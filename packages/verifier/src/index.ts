/** Checks access tokens of Ledgate, and of whoever follows RFC 9068, where they are used: without asking anybody. */
export * from './challenge.ts'
export * from './errors.ts'
export * from './guard.ts'
export type * from './types.ts'
