import type { Clock } from '@ledgate/revocation'
import { type ChallengeContext, VerifierError } from '../error/index.ts'
import { requireActive, type Staleness } from '../feed/index.ts'
import type { Introspector } from '../introspection/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'
import type { ProofChecker } from '../proof-of-possession/index.ts'
import type { MetricsSink } from '../telemetry/index.ts'
import {
  authenticate,
  noCache,
  proofNeeded,
  requireValid,
  stillHolds,
  type TokenCache,
  tokenCache,
  type TokenRules,
  type VerifiedToken,
} from '../token/index.ts'

const NO_CONTEXT: RequestContext = {}
const FROM_CACHE = { cached: 'true' }
const NOT_FROM_CACHE = { cached: 'false' }

export interface VerificationOptions {
  readonly rules: TokenRules
  /** How many tokens the cache holds; 0 for none. */
  readonly maxTokens: number
  readonly staleness: Staleness
  readonly challenge: ChallengeContext
  readonly dpop: ProofChecker | undefined
  readonly clock: Pick<Clock, 'wall'>
  readonly metrics: MetricsSink | undefined
}

const closedError = (): VerifierError => new VerifierError('verifier_not_ready', { detail: 'the verifier is closed' })

/** Takes a token out of the cache or authenticates it, and then checks that it is valid at this moment. */
export class Verification {
  readonly #options: VerificationOptions
  readonly #cache: TokenCache<VerifiedToken>
  /** The token of each principal that was returned. */
  readonly #tokens = new WeakMap<Principal, VerifiedToken>()
  #isClosed = false

  constructor(options: VerificationOptions) {
    const { maxTokens } = options
    this.#options = options
    this.#cache = maxTokens === 0 ? noCache() : tokenCache(maxTokens)
  }

  get cachedTokens(): number {
    return this.#cache.size
  }

  async verify(text: string, context: RequestContext = NO_CONTEXT): Promise<Principal> {
    try {
      this.requireOpen()
      const cached = this.#cached(text)
      const token = cached ?? (await this.#authenticate(text))
      const principal = this.#check(token, context) ?? (await this.#checkSlowly(text, token, context))
      this.requireOpen()
      this.#options.metrics?.count('verified', cached === undefined ? NOT_FROM_CACHE : FROM_CACHE)
      return principal
    } catch (error) {
      throw this.#refuse(error, context)
    }
  }

  verifySync(text: string, context: RequestContext = NO_CONTEXT): Principal | undefined {
    try {
      this.requireOpen()
      const token = this.#cached(text)
      const principal = token && this.#check(token, context)
      if (principal !== undefined) this.#options.metrics?.count('verified', FROM_CACHE)
      return principal
    } catch (error) {
      throw this.#refuse(error, context)
    }
  }

  confirm(principal: Principal): Promise<void> | undefined {
    const token = this.#tokens.get(principal)
    if (token === undefined) throw new TypeError('this verifier did not return this principal')
    try {
      this.requireOpen()
      requireValid(token, this.#options.clock.wall())
      const introspect = this.#introspectorFor(token)
      return introspect && this.#confirmSlowly(introspect, token)
    } catch (error) {
      throw this.#refuse(error, NO_CONTEXT)
    }
  }

  /** @throws {VerifierError} `verifier_not_ready` after {@link Verification.close}. */
  requireOpen(): void {
    if (this.#isClosed) throw closedError()
  }

  close(): void {
    this.#isClosed = true
    this.#cache.clear()
  }

  #cached(text: string): VerifiedToken | undefined {
    // A caller without types may have no string: that is a missing token.
    const token = typeof text === 'string' ? this.#cache.get(text) : undefined
    if (token === undefined || stillHolds(token)) return token
    this.#cache.delete(text)
    return undefined
  }

  async #authenticate(text: string): Promise<VerifiedToken> {
    if (typeof text !== 'string' || text === '') throw new VerifierError('missing_token')
    const token = await authenticate(text, this.#options.rules, this.#options.clock.wall())
    this.#tokens.set(token.principal, token)
    if (!this.#isClosed) this.#cache.set(text, token)
    return token
  }

  /** @returns `undefined` when a proof must be checked or the issuer asked: then {@link Verification.#checkSlowly} decides. */
  #check(token: VerifiedToken, context: RequestContext): Principal | undefined {
    requireValid(token, this.#options.clock.wall())
    if (proofNeeded(token, this.#options.dpop, context) !== undefined) return undefined
    return this.#introspectorFor(token) === undefined ? token.principal : undefined
  }

  async #checkSlowly(text: string, token: VerifiedToken, context: RequestContext): Promise<Principal> {
    await proofNeeded(token, this.#options.dpop, context)?.(text)
    const introspect = this.#introspectorFor(token)
    if (introspect !== undefined) await requireActive(introspect, token.signed)
    // Once more, since the token may have been revoked meanwhile.
    requireValid(token, this.#options.clock.wall())
    return token.principal
  }

  async #confirmSlowly(introspect: Introspector, token: VerifiedToken): Promise<void> {
    try {
      await requireActive(introspect, token.signed)
      this.requireOpen()
      requireValid(token, this.#options.clock.wall())
    } catch (error) {
      throw this.#refuse(error, NO_CONTEXT)
    }
  }

  /** Set when the policy for a stale feed asks the issuer. @throws {VerifierError} `verifier_stale` when it refuses. */
  #introspectorFor({ issuer: { feed } }: VerifiedToken): Introspector | undefined {
    return feed && this.#options.staleness.introspectorAt(feed.stalenessMs())
  }

  /** The error with the challenge of this verifier, as the answer to this request. */
  #refuse(error: unknown, { scheme }: RequestContext): unknown {
    if (!(error instanceof VerifierError)) return error
    // A verifier that was closed meanwhile trusts no key: that is no fault of the token.
    const refusal = this.#isClosed ? closedError() : error
    this.#options.metrics?.count('refused', { code: refusal.code })
    return refusal.in(this.#options.challenge, scheme)
  }
}
