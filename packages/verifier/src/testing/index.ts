/** What a service needs to test what it guards: an issuer in the test itself, its tokens and its revocations, without a network. */
export * from './test-dpop-key.ts'
export * from './test-issuer.ts'
export { type Revoked } from './test-statements.ts'
