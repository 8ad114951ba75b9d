import type { Clock, RevocationSource } from '@ledgate/revocation'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { JWK } from 'jose'
import type { ChallengeOptions } from '../error/index.ts'
import type { Introspector } from '../introspection/index.ts'
import type { JwksOptions } from '../key/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'
import type { Logger, MetricsSink } from '../telemetry/index.ts'

/** Where the revocations of an issuer come from: one source, or a primary and a fallback that is read while the primary is stale. */
export type Revocations = RevocationSource | readonly [primary: RevocationSource, fallback: RevocationSource]

/** An issuer whose tokens are accepted. */
export interface IssuerOptions {
  /** The exact `iss` of its tokens: an https URL, or http on loopback. */
  readonly issuer: string
  /** Its tokens must have one of these in `aud`. Default: the `audience` of the verifier. */
  readonly audience?: string | readonly string[]
  /**
   * Signature algorithms that are accepted. Default: ES256, EdDSA and RS256. A key without an `alg` is used with the first of these
   * that fits its type. EdDSA may also be written `Ed25519` (RFC 9864).
   */
  readonly algorithms?: readonly (SignatureAlgorithm | 'Ed25519')[]
  readonly jwks?: JwksOptions
  /** Where its revocations come from. `false`, which must be written out, if tokens are valid until they expire. */
  readonly revocations: Revocations | false
  /** The URL of the key set that signs the feed, which is not the one that signs tokens. Default: `${issuer}/revocations/jwks`. */
  readonly feedKeysUri?: string
  /** Fetches keys over http from other machines, too. Anyone on the network path can then forge tokens. */
  readonly allowInsecureRequests?: boolean
}

/**
 * What happens to a token that is not known to be revoked while the feed is stale: `closed` answers 503; `accept` accepts it
 * while the feed is no staler than this many milliseconds, and answers 503 beyond that; `introspect` asks the issuer about each.
 * A revoked token is always refused.
 */
export type StalePolicy = 'closed' | { readonly accept: number } | { readonly introspect: Introspector }

export interface OnStale {
  /** Milliseconds after which a feed is stale. Default: 15,000. */
  readonly maxStalenessMs?: number
  /** Default: `closed`. */
  readonly policy?: StalePolicy
}

interface CommonOptions {
  /** Tokens must have one of these in `aud`, unless the options of their issuer say otherwise. */
  readonly audience?: string | readonly string[]
  /**
   * Default: `at+jwt`, which requires everything that RFC 9068 does. `lenient` also accepts the `typ` `JWT` and none, requires fewer
   * claims, and accepts other shapes of the claims about a user: one name instead of a list, or a list of scopes.
   */
  readonly profile?: 'at+jwt' | 'lenient'
  /** Seconds by which other clocks may differ from this one. Default: 5. */
  readonly clockToleranceSeconds?: number
  /** A token with a longer lifetime, from `iat` to `exp`, is refused, since revocations are not kept longer. Default: 3,600. */
  readonly maxTokenLifetimeSeconds?: number
  readonly onStale?: OnStale
  /** How many tokens with a verified signature are cached. Default: 10,000. */
  readonly cache?: { readonly maxTokens: number } | false
  /** Private keys that decrypt encrypted tokens (JWE, RFC 7519 §5.2); each with its `alg`, and its `kid` if it has one. */
  readonly decryptionKeys?: readonly JWK[]
  /** Accepts DPoP-bound tokens; without it they are refused. */
  readonly dpop?: ProofChecker
  readonly challenge?: ChallengeOptions
  readonly clock?: Clock
  readonly logger?: Logger
  readonly metrics?: MetricsSink
}

/** The options of `createVerifier`: one issuer in the short form, or several. */
export type VerifierOptions = CommonOptions & (IssuerOptions | { readonly issuers: readonly IssuerOptions[] })
