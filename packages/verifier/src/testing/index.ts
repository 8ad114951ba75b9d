/** For tests of a resource server: an issuer inside the test, with its tokens and revocations, without a network. */
export * from './test-dpop-key.ts'
export * from './test-issuer.ts'
export { type Revoked } from './test-statements.ts'
