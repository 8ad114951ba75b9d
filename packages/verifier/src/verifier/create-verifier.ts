import { MAX_STALENESS_MS, systemClock } from '@ledgate/revocation'
import type { ChallengeContext } from '../error/index.ts'
import { type Staleness, stalePolicy } from '../feed/index.ts'
import { type IssuerRuntime, issuerRuntime } from '../issuer/index.ts'
import { boundsOf, issuersOf, type VerifierOptions } from '../options/index.ts'
import { decryption, type TokenRules } from '../token/index.ts'
import { Issuers } from './issuers.ts'
import { NoticeListeners } from './notice-listeners.ts'
import { Verification } from './verification.ts'
import type { Verifier } from './verifier.ts'

const START_TIMEOUT_MS = 30_000

/**
 * Creates a verifier of access tokens. It makes no request while it verifies one: keys and revocations are kept up to date in
 * the background, from {@link Verifier.start} on.
 *
 * @throws {TypeError} if the options are invalid.
 * @example
 * ```ts
 * import { createVerifier } from '@ledgate/verifier'
 * import { httpRevocations } from '@ledgate/verifier/http'
 *
 * const issuer = 'https://id.example'
 * await using verifier = createVerifier({
 *   issuer,
 *   audience: 'https://api.example',
 *   revocations: httpRevocations({ issuer, clientId: 'orders-api', clientSecret: String(process.env['CLIENT_SECRET']) }),
 * })
 * await verifier.start()
 * ```
 */
export function createVerifier(options: VerifierOptions): Verifier {
  const { clock = systemClock, dpop, logger, metrics } = options
  const { maxTokens } = boundsOf(options)
  const staleness = stalePolicy(options.onStale)
  const challenge = challengeOf(options)
  const listeners = new NoticeListeners(logger)
  const issuers = new Issuers(runtimesOf(options, staleness, listeners))
  const rules = rulesOf(options, issuers)
  const verification = new Verification({ rules, maxTokens, staleness, challenge, dpop, clock, metrics })
  let closing: Promise<void> | undefined

  const close = (): Promise<void> => {
    closing ??= issuers.close()
    verification.close()
    listeners.clear()
    return closing
  }

  return {
    challenge,
    async start({ timeoutMs = START_TIMEOUT_MS } = {}) {
      verification.requireOpen()
      const missing = await issuers.start(timeoutMs)
      if (missing !== undefined) logger?.warn({ missing }, 'started while an issuer is not ready')
      verification.requireOpen()
    },
    verify: (token, context) => verification.verify(token, context),
    verifySync: (token, context) => verification.verifySync(token, context),
    confirm: (principal) => verification.confirm(principal),
    isRevoked: (facts, issuer) => issuers.of(issuer).endedBy(facts),
    onRevoked: (listener) => listeners.add(listener),
    watch: (principal) => issuers.of(principal.issuer).watch(principal),
    health: () => ({
      isReady: closing === undefined && issuers.isAnyReady(),
      issuers: issuers.health(),
      cachedTokens: verification.cachedTokens,
    }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function challengeOf({ challenge, dpop }: VerifierOptions): ChallengeContext {
  return { ...challenge, ...(dpop && { dpop: { policy: dpop.policy, algorithms: dpop.algorithms } }) }
}

function runtimesOf(
  options: VerifierOptions,
  staleness: Staleness,
  listeners: NoticeListeners,
): readonly IssuerRuntime[] {
  const { clock = systemClock, metrics, onStale } = options
  const maxStalenessMs = onStale?.maxStalenessMs ?? MAX_STALENESS_MS
  return issuersOf(options).map((issuer) =>
    issuerRuntime(issuer, options, {
      clock,
      maxStalenessMs,
      staleness,
      onNotice(notice, name) {
        metrics?.count('notices', { scope: notice.ended.scope })
        listeners.notify(notice, name)
      },
    }),
  )
}

function rulesOf(options: VerifierOptions, issuers: Issuers): TokenRules {
  const { profile = 'at+jwt', decryptionKeys = [] } = options
  const { clockToleranceSeconds, maxTokenLifetimeSeconds } = boundsOf(options)
  return {
    issuers: issuers.byName,
    profile,
    clockToleranceSeconds,
    maxTokenLifetimeSeconds,
    decrypt: decryptionKeys.length === 0 ? undefined : decryption(decryptionKeys),
  }
}
