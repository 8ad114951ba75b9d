import type { Notice, Scope, TokenFacts } from '@ledgate/revocation'
import type { ChallengeOptions } from '../error/index.ts'
import type { IssuerHealth } from '../issuer/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'

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
