import { MAX_STALENESS_MS, type Notice, systemClock } from '@ledgate/revocation'
import {
  authenticate,
  decryption,
  noCache,
  proofNeeded,
  requireStanding,
  stillHolds,
  tokenCache,
  type TokenRules,
  type VerifiedToken,
} from '../token/index.ts'
import { type ChallengeContext, VerifierError } from '../error/index.ts'
import { enoughReady, type IssuerRuntime, issuerRuntime } from '../issuer/index.ts'
import { boundsOf, issuersOf, type VerifierOptions } from '../options/index.ts'
import { requireActive, stalePolicy } from '../feed/index.ts'
import type { Introspector } from '../introspection/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'
import type { Verifier } from './verifier.ts'

const START_TIMEOUT_MS = 30_000
const NO_CONTEXT: RequestContext = {}
const FROM_CACHE = { cached: 'true' }
const NOT_FROM_CACHE = { cached: 'false' }

const closed = (): VerifierError => new VerifierError('verifier_not_ready', { detail: 'the verifier is closed' })

/**
 * A verifier of access tokens. It asks nobody while a request waits: keys and revocations are kept up to date in the
 * background, from {@link Verifier.start} on.
 *
 * @throws {TypeError} for options that cannot be meant.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { clock = systemClock, dpop, logger, metrics, profile = 'at+jwt', decryptionKeys = [] } = options
  const { clockToleranceSeconds, maxTokenLifetimeSeconds, maxTokens } = boundsOf(options)
  const staleness = stalePolicy(options.onStale)
  const challenge: ChallengeContext = {
    ...options.challenge,
    ...(dpop && { dpop: { policy: dpop.policy, algorithms: dpop.algorithms } }),
  }
  const listeners = new Set<(notice: Notice, issuer: string) => void>()

  const onNotice = (notice: Notice, issuer: string): void => {
    metrics?.count('notices', { scope: notice.ended.scope })
    for (const listener of [...listeners]) {
      try {
        listener(notice, issuer)
      } catch (error) {
        // One that fails must not keep the notice from the others.
        logger?.warn({ err: error }, 'a listener for revocations failed')
      }
    }
  }

  const maxStalenessMs = options.onStale?.maxStalenessMs ?? MAX_STALENESS_MS
  const issuers = new Map<string, IssuerRuntime>()
  for (const issuer of issuersOf(options))
    issuers.set(issuer.issuer, issuerRuntime(issuer, options, { clock, maxStalenessMs, staleness, onNotice }))
  const rules: TokenRules = {
    issuers,
    profile,
    clockToleranceSeconds,
    maxTokenLifetimeSeconds,
    decrypt: decryptionKeys.length === 0 ? undefined : decryption(decryptionKeys),
  }
  const cache = maxTokens === 0 ? noCache<VerifiedToken>() : tokenCache<VerifiedToken>(maxTokens)
  const tokens = new WeakMap<Principal, VerifiedToken>()
  let closing: Promise<void> | undefined

  const requireOpen = (): void => {
    if (closing !== undefined) throw closed()
  }

  /** The same error as this verifier says it to this request. */
  const refused = (error: unknown, { scheme }: RequestContext): unknown => {
    if (!(error instanceof VerifierError)) return error
    // Closed meanwhile, it trusts no key any more: that is no fault of the token.
    const refusal = closing === undefined ? error : closed()
    metrics?.count('refused', { code: refusal.code })
    return refusal.in(challenge, scheme)
  }

  const recall = (text: string): VerifiedToken | undefined => {
    // Whoever has no types may have no token, either: that is a missing one.
    const token = typeof text === 'string' ? cache.get(text) : undefined
    if (token === undefined || stillHolds(token)) return token
    cache.delete(text)
    return undefined
  }

  const authenticated = async (text: string): Promise<VerifiedToken> => {
    if (typeof text !== 'string' || text === '') throw new VerifierError('missing_token')
    const token = await authenticate(text, rules, clock.wall())
    tokens.set(token.principal, token)
    if (closing === undefined) cache.set(text, token)
    return token
  }

  /** Lets a token pass that needs nothing but a look; `undefined` when somebody has to be asked or something computed. */
  const pass = (token: VerifiedToken, context: RequestContext): Principal | undefined => {
    requireStanding(token, clock.wall())
    if (proofNeeded(token, dpop, context) !== undefined) return undefined
    const { feed } = token.issuer
    return feed === undefined || staleness.introspectorAt(feed.stalenessMs()) === undefined
      ? token.principal
      : undefined
  }

  /** All that takes a while; then it looks again, for the token may have been revoked meanwhile. */
  const passSlowly = async (text: string, token: VerifiedToken, context: RequestContext): Promise<Principal> => {
    await proofNeeded(token, dpop, context)?.(text)
    const { feed } = token.issuer
    const introspect = feed && staleness.introspectorAt(feed.stalenessMs())
    if (introspect !== undefined) await requireActive(introspect, token.signed)
    requireStanding(token, clock.wall())
    return token.principal
  }

  const verify = async (text: string, context: RequestContext = NO_CONTEXT): Promise<Principal> => {
    try {
      requireOpen()
      const known = recall(text)
      const token = known ?? (await authenticated(text))
      const principal = pass(token, context) ?? (await passSlowly(text, token, context))
      requireOpen()
      metrics?.count('verified', known === undefined ? NOT_FROM_CACHE : FROM_CACHE)
      return principal
    } catch (error) {
      throw refused(error, context)
    }
  }

  const verifySync = (text: string, context: RequestContext = NO_CONTEXT): Principal | undefined => {
    try {
      requireOpen()
      const token = recall(text)
      const principal = token && pass(token, context)
      if (principal !== undefined) metrics?.count('verified', FROM_CACHE)
      return principal
    } catch (error) {
      throw refused(error, context)
    }
  }

  const confirmSlowly = async (introspect: Introspector, token: VerifiedToken): Promise<void> => {
    try {
      await requireActive(introspect, token.signed)
      requireOpen()
      requireStanding(token, clock.wall())
    } catch (error) {
      throw refused(error, NO_CONTEXT)
    }
  }

  const confirm = (principal: Principal): Promise<void> | undefined => {
    const token = tokens.get(principal)
    if (token === undefined) throw new TypeError('a principal that this verifier did not give')
    try {
      requireOpen()
      requireStanding(token, clock.wall())
      const { feed } = token.issuer
      const introspect = feed && staleness.introspectorAt(feed.stalenessMs())
      return introspect && confirmSlowly(introspect, token)
    } catch (error) {
      throw refused(error, NO_CONTEXT)
    }
  }

  const runtimeOf = (issuer: string | undefined): IssuerRuntime => {
    const [only] = issuers.values()
    const runtime = issuer === undefined && issuers.size === 1 ? only : issuers.get(issuer ?? '')
    if (runtime === undefined) throw new TypeError('which issuer? It is none of this verifier')
    return runtime
  }

  const close = (): Promise<void> => {
    closing ??= Promise.all([...issuers.values()].map((issuer) => issuer.close())).then(() => {})
    cache.clear()
    listeners.clear()
    return closing
  }

  return {
    challenge,
    async start({ timeoutMs = START_TIMEOUT_MS } = {}) {
      requireOpen()
      for (const issuer of issuers.values()) issuer.start()
      const all = [...issuers.values()].map((issuer) => issuer.readiness())
      const missing = await enoughReady(all, timeoutMs)
      if (missing !== undefined) logger?.warn({ missing }, 'started without an issuer that is away')
      requireOpen()
    },
    verify,
    verifySync,
    confirm,
    isRevoked: (facts, issuer) => runtimeOf(issuer).endedBy(facts),
    onRevoked(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    watch: (principal) => runtimeOf(principal.issuer).watch(principal),
    health: () => ({
      isReady: closing === undefined && [...issuers.values()].some((issuer) => issuer.isReady()),
      issuers: [...issuers.values()].map((issuer) => issuer.health()),
      cachedTokens: cache.size,
    }),
    close,
    [Symbol.asyncDispose]: close,
  }
}
