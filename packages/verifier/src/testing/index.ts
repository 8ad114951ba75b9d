/** What a service needs to test what it guards: an issuer in the test itself, its tokens and its revocations, without a network. */
export * from './dpop-key.ts'
export type { Revoked } from './revoking.ts'
export * from './test-issuer.ts'
