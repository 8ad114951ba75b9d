/** Verifies access tokens of Ledgate, and of any issuer that follows RFC 9068, at the resource server and offline. */
export type { SignatureAlgorithm } from '@ledgate/jws'
export type {
  Clock,
  FeedHealth,
  Notice,
  RevocationSource,
  Scope as RevocationScope,
  TokenFacts,
} from '@ledgate/revocation'
export * from './error/index.ts'
export * from './guard/index.ts'
export { introspection, type IntrospectionOptions, type Introspector } from './introspection/index.ts'
export type { IssuerHealth } from './issuer/index.ts'
export type { JwksOptions, KeysHealth } from './key/index.ts'
export type { IssuerOptions, OnStale, Revocations, StalePolicy, VerifierOptions } from './options/index.ts'
export type * from './principal/index.ts'
export type * from './proof-of-possession/index.ts'
export type * from './telemetry/index.ts'
export { createVerifier, type Verifier, type VerifierHealth } from './verifier/index.ts'
