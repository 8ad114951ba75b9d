import type { Clock, RevocationSource } from '@ledgate/revocation'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { JWK } from 'jose'
import type { ChallengeOptions } from '../error/index.ts'
import type { Introspector } from '../introspection/index.ts'
import type { JwksOptions } from '../key/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'
import type { Logger, MetricsSink } from '../telemetry/index.ts'

/** Revocations of an issuer: one source, or one and another that stands in while the first gives nothing fresh. */
export type Revocations = RevocationSource | readonly [primary: RevocationSource, fallback: RevocationSource]

/** An issuer whose tokens are taken. */
export interface IssuerOptions {
  /** The exact `iss` of its tokens. https, except on loopback. */
  readonly issuer: string
  /** Whom its tokens must be for: one of these in `aud`. The verifier's when absent. */
  readonly audience?: string | readonly string[]
  /**
   * ES256, EdDSA and RS256 unless told. A key that does not say its own is used with the first of these that it can sign by. EdDSA is
   * also what its newer name `Ed25519` says (RFC 9864).
   */
  readonly algorithms?: readonly (SignatureAlgorithm | 'Ed25519')[]
  readonly jwks?: JwksOptions
  /** Where its revocations come from. `false`, and it must be written, when a token is good until it expires. */
  readonly revocations: Revocations | false
  /** The key set that signs the feed; `${issuer}/revocations/jwks` unless told. It is never the one that signs tokens. */
  readonly feedKeysUri?: string
  /** Takes keys over http from other machines, too. Whoever is on the way there can then make tokens. */
  readonly allowInsecureRequests?: boolean
}

/**
 * What becomes of a token that nothing speaks against while the feed is stale: `closed` answers 503; `accept` takes it while
 * the feed is no staler than this many milliseconds, and answers 503 beyond; `introspect` asks the issuer about each.
 * A revoked token is refused in every case.
 */
export type StalePolicy = 'closed' | { readonly accept: number } | { readonly introspect: Introspector }

export interface OnStale {
  /** From how many milliseconds on a feed is stale; 15,000 unless told. */
  readonly maxStalenessMs?: number
  /** `closed` unless told. */
  readonly policy?: StalePolicy
}

interface CommonOptions {
  /** Whom tokens must be for, where the issuer's options do not say it. */
  readonly audience?: string | readonly string[]
  /** `at+jwt`, unless told, asks for everything that RFC 9068 does. `lenient` takes `JWT` and none for a `typ`, too, asks for fewer claims, and takes what says more of a person in other shapes: a name alone for a list, a list of scopes. */
  readonly profile?: 'at+jwt' | 'lenient'
  /** How much other clocks may differ from ours, in seconds; 5 unless told. */
  readonly clockToleranceSeconds?: number
  /** A token that lives longer, from `iat` to `exp`, is refused: revocations are kept no longer. 3,600 unless told. */
  readonly maxTokenLifetimeSeconds?: number
  readonly onStale?: OnStale
  /** Tokens whose signature was verified are remembered: 10,000 unless told. */
  readonly cache?: { readonly maxTokens: number } | false
  /** Private keys that encrypted tokens (JWE, RFC 7519 §5.2) are made for; each with its `alg`, and its `kid` where it has one. */
  readonly decryptionKeys?: readonly JWK[]
  /** Takes DPoP-bound tokens; without it such a token is refused. */
  readonly dpop?: ProofChecker
  readonly challenge?: ChallengeOptions
  readonly clock?: Clock
  readonly logger?: Logger
  readonly metrics?: MetricsSink
}

/** One issuer in the short form, or several. */
export type VerifierOptions = CommonOptions & (IssuerOptions | { readonly issuers: readonly IssuerOptions[] })
