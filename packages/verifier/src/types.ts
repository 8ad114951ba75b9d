import type { Clock, FeedHealth, Notice, RevocationSource, Scope, TokenFacts } from '@ledgate/revocation'
import type { SignatureAlgorithm } from '@ledgate/jws'
import type { JWK, JWTPayload } from 'jose'

export type {
  Clock,
  FeedHealth,
  Notice,
  RevocationSource,
  Scope as RevocationScope,
  TokenFacts,
} from '@ledgate/revocation'
export type { SignatureAlgorithm }

/** Where a verifier says what it met; a logger of pino fits. A token never gets there. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What a verifier counts: verdicts by `code`, fetches of key sets by `outcome`, notices by `scope`. */
export type Counter = 'verified' | 'refused' | 'key_fetches' | 'notices'

/** Where a verifier counts what it does. It is called on the request path: it must be quick and must not throw. */
export interface MetricsSink {
  count(counter: Counter, labels: Readonly<Record<string, string>>): void
}

/** What the signing keys of an issuer are taken from, and how long they are trusted; those of its feed the same way. */
export interface JwksOptions {
  /** Of the key set (RFC 7517); what the issuer's metadata say (RFC 8414) when absent. */
  readonly uri?: string
  /** How the network is asked; the global `fetch` unless told. */
  readonly fetch?: typeof fetch
  /** How old a key set grows before it is fetched again in the background, in milliseconds; 300,000 unless told. */
  readonly refreshAheadMs?: number
  /** How old a key set may grow while it cannot be fetched, in milliseconds; 86,400,000 unless told. Then 503. */
  readonly maxStaleMs?: number
  /** How long one fetch may take, in milliseconds; 5,000 unless told. */
  readonly timeoutMs?: number
  /**
   * How long a request whose key is unknown waits for a fetch of the key set, in milliseconds. 0 unless told: it is refused at
   * once with 401 while the set is fetched in the background, so that nobody's made-up `kid` holds a request open; with 503
   * while the set cannot be fetched. New keys are published before they sign, so an honest token does not meet this.
   */
  readonly unknownKidWaitMs?: number
}

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

/** Whether an issuer itself still calls a token active (RFC 7662). @throws when it cannot be asked. */
export type Introspector = (token: string, signal?: AbortSignal) => Promise<boolean>

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

/** What challenges say beside the error: RFC 6750 §3, RFC 9728 §5.1, RFC 9449 §7.1. */
export interface ChallengeOptions {
  readonly realm?: string
  /** The URL of this resource's metadata, RFC 9728. */
  readonly resourceMetadata?: string
}

/** Whether tokens bound to a key by DPoP may be, or must be, presented. */
export type DpopPolicy = 'allow' | 'require'

/** What a proof must fit, RFC 9449 §4.3. */
export interface ProofRequest {
  /** The `DPoP` header, if there was exactly one. */
  readonly proof: string | undefined
  readonly method: string
  /** The URL as the client sees it, proxies included. */
  readonly url: string
  readonly accessToken: string
  /** The thumbprint that the access token is bound to. */
  readonly jkt: string
}

/** Checks proofs of possession; `@ledgate/verifier` makes one from DPoP options. */
export interface ProofChecker {
  readonly policy: DpopPolicy
  /** What `algs` of a challenge says. */
  readonly algorithms: readonly string[]
  /** @throws {VerifierError} `invalid_dpop_proof` or `use_dpop_nonce`. */
  check(request: ProofRequest): Promise<void>
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

/** The request a token came with, as far as it is known. */
export interface RequestContext {
  readonly method?: string
  /** The URL as the client sees it, proxies included. */
  readonly url?: string
  /** The scheme of the Authorization header; Bearer unless told. */
  readonly scheme?: 'Bearer' | 'DPoP'
  /** The `DPoP` header, if there was exactly one. */
  readonly dpop?: string
  /** Seconds since the epoch, for guards that ask how long ago something was; the machine's clock unless told. */
  readonly now?: number
  /** What a guard may look at beside: names out of the path, and the framework's own request. */
  readonly params?: Readonly<Record<string, string>>
  readonly request?: unknown
}

/** To which key a token is bound, RFC 7800. */
export interface Confirmation {
  /** The thumbprint of a DPoP key, RFC 9449 §6.1. */
  readonly jkt?: string
}

/** Who asks, as a verified token says it. Frozen, and the same object for the same token. */
export interface Principal {
  readonly issuer: string
  readonly sub: string
  readonly clientId: string
  readonly jti: string
  readonly sid?: string | undefined
  /** The grant. */
  readonly gid?: string | undefined
  /** Seconds since the epoch. */
  readonly iat: number
  /** Seconds since the epoch. */
  readonly exp: number
  readonly audience: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  readonly entitlements: ReadonlySet<string>
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
  /** Seconds since the epoch. */
  readonly authTime?: number | undefined
  /** `service` when a client speaks for itself. */
  readonly kind: 'user' | 'service'
  readonly confirmation?: Confirmation | undefined
  /** Everything the token says. */
  readonly claims: Readonly<JWTPayload>
  /** What revocations can concern. */
  readonly facts: TokenFacts
}

/** How a key set is. */
export interface KeysHealth {
  readonly uri: string | undefined
  /** Milliseconds since it was fetched; Infinity when it never was. */
  readonly ageMs: number
  readonly kids: readonly string[]
  readonly lastError?: string
}

export interface IssuerHealth {
  readonly issuer: string
  /** Whether its key set is there and not too old, and its feed is caught up with and fresh. */
  readonly isReady: boolean
  readonly keys: KeysHealth
  /** Absent where revocations are `false`. */
  readonly revocations?: FeedHealth
}

export interface VerifierHealth {
  /** Whether tokens can be verified: of one issuer at least. One of several that is away is shown by its own `isReady`. */
  readonly isReady: boolean
  readonly issuers: readonly IssuerHealth[]
  readonly cachedTokens: number
}

/** Checks access tokens where they are used, without asking anybody. */
export interface Verifier {
  /** What the challenges of this verifier say beside the error. */
  readonly challenge: ChallengeOptions & { readonly dpop?: Pick<ProofChecker, 'policy' | 'algorithms'> }
  /**
   * Has the key sets, and the revocations caught up with, when it answers; after `timeoutMs` (30,000 unless told) those of one issuer
   * are enough, and tokens of one that is away are answered with 503. Again and at the same time is fine.
   * @throws {VerifierError} `verifier_not_ready`, with what is missing as `detail`, when no issuer has all that it needs by then.
   * It goes on trying in the background, until it is closed.
   */
  start(options?: { readonly timeoutMs?: number }): Promise<void>
  /** @throws {VerifierError} for everything but a token that is good now. An empty token is a missing one. */
  verify(token: string, context?: RequestContext): Promise<Principal>
  /**
   * As {@link Verifier.verify}, for a token that was seen before.
   * @returns `undefined` when only `verify` can tell.
   */
  verifySync(token: string, context?: RequestContext): Principal | undefined
  /**
   * That the token of a principal is good still: not revoked, not expired, its key trusted, its feed as fresh as the policy wants. A look
   * that costs nothing and spends no proof, for when something took long since it was verified.
   *
   * @returns a promise only where the policy on a stale feed asks the issuer.
   * @throws {VerifierError} when it is not, also as a rejection.
   * @throws {TypeError} for a principal that this verifier did not give.
   */
  confirm(principal: Principal): Promise<void> | undefined
  /**
   * By which scope it has ended, if it has.
   * @param issuer needed where there are several.
   */
  isRevoked(facts: TokenFacts, issuer?: string): Scope | undefined
  /**
   * Tells of every notice that comes from now on and is news; not of what a snapshot says, as after an outage, which has no
   * notices. For connections there is {@link Verifier.watch}, which misses nothing. @returns how to stop that.
   */
  onRevoked(listener: (notice: Notice, issuer: string) => void): () => void
  /**
   * Aborts as soon as this principal's token is revoked or expires, when the feed is so stale that the policy refuses every
   * token, and when the verifier is closed; its reason is a `VerifierError` that says which. The same signal for the same
   * token, and it is kept until then.
   */
  watch(principal: Principal): AbortSignal
  health(): VerifierHealth
  /** Ends everything that runs; nothing is verified any more. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
