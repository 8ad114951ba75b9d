import type { Notice, Scope, TokenFacts } from '@ledgate/revocation'
import type { ChallengeOptions } from '../error/index.ts'
import type { IssuerHealth } from '../issuer/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'

export interface VerifierHealth {
  /** Whether tokens of at least one issuer can be verified. Each issuer has its own `isReady`. */
  readonly isReady: boolean
  readonly issuers: readonly IssuerHealth[]
  readonly cachedTokens: number
}

/** Verifies access tokens at the resource server, without a request to the issuer. */
export interface Verifier {
  /** The parameters of its challenges besides the error. */
  readonly challenge: ChallengeOptions & { readonly dpop?: Pick<ProofChecker, 'policy' | 'algorithms'> }
  /**
   * Resolves once the key sets are fetched and the revocation feeds have caught up. After `timeoutMs` (default: 30,000) one issuer
   * is enough; tokens of the others get 503 until they are ready. May be called again, also concurrently.
   *
   * @throws {VerifierError} `verifier_not_ready`, with what is missing as `detail`, if no issuer is ready by then. The verifier
   * keeps trying in the background until it is closed.
   */
  start(options?: { readonly timeoutMs?: number }): Promise<void>
  /** Verifies a token. @throws {VerifierError} unless the token is valid now. An empty token counts as missing. */
  verify(token: string, context?: RequestContext): Promise<Principal>
  /**
   * Like {@link Verifier.verify}, for a token that is cached.
   *
   * @returns `undefined` if only `verify` can decide.
   */
  verifySync(token: string, context?: RequestContext): Principal | undefined
  /**
   * Checks that the token of a principal is still valid: not revoked, not expired, its key trusted, its feed as fresh as the policy
   * requires. It is cheap and uses no proof: call it when much time has passed since the token was verified.
   *
   * @returns a promise only if the policy for a stale feed asks the issuer.
   * @throws {VerifierError} if it is not valid, also as a rejection.
   * @throws {TypeError} if this verifier did not return the principal.
   */
  confirm(principal: Principal): Promise<void> | undefined
  /**
   * The scope in which a token with these claims is revoked; `undefined` if it is not.
   *
   * @param issuer is required if there are several.
   * @throws {TypeError} if the issuer is unknown.
   */
  isRevoked(facts: TokenFacts, issuer?: string): Scope | undefined
  /**
   * Calls the listener with each new notice from now on, but not with the entries of a snapshot, which are read after an outage and
   * have no notices. For connections use {@link Verifier.watch}, which misses nothing.
   *
   * @returns removes the listener.
   */
  onRevoked(listener: (notice: Notice, issuer: string) => void): () => void
  /**
   * A signal that aborts when the token of this principal is revoked or expires, when the feed is so stale that the policy refuses
   * every token, and when the verifier is closed; its reason is a `VerifierError` with the cause. The same token has the same
   * signal until then.
   */
  watch(principal: Principal): AbortSignal
  health(): VerifierHealth
  /** Stops everything that runs in the background; no token is verified from then on. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}
