import type { IssuerOptions, VerifierOptions } from './verifier-options.ts'
import { secureUrl } from '../url/index.ts'

const TOLERANCE_SECONDS = 5
/** Notices outlive the tokens that they end by a minute. Were a token taken for longer, a revoked one would live again. */
const LONGEST_TOLERANCE_SECONDS = 60
const TOKEN_CAP_SECONDS = 3_600
const MAX_TOKENS = 10_000

const isSource = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'open' in value && typeof value.open === 'function'

/** Whether these are revocations as a program without types may have them, too. */
function areRevocations(value: unknown): boolean {
  const sources = [value].flat()
  return value === false || (sources.length > 0 && sources.length <= 2 && sources.every(isSource))
}

/** The issuers of either form of the options. @throws {TypeError} for none, for one twice, and for one that is not safe. */
export function issuersOf(options: VerifierOptions): readonly IssuerOptions[] {
  const issuers = 'issuers' in options ? options.issuers : [options]
  const names = issuers.map(({ issuer }) => issuer)
  if (names.length === 0) throw new TypeError('no issuer')
  if (new Set(names).size !== names.length) throw new TypeError('an issuer is named twice')
  for (const { issuer, revocations, allowInsecureRequests = false } of issuers) {
    secureUrl(issuer, allowInsecureRequests)
    if (!areRevocations(revocations)) throw new TypeError(`revocations of ${issuer} must be one source, two, or false`)
  }
  return issuers
}

/** Whom tokens of an issuer must be for. @throws {TypeError} when nobody is named: then any token would do, or none. */
export function audienceOf(issuer: IssuerOptions, options: VerifierOptions): ReadonlySet<string> {
  const audience = [issuer.audience ?? options.audience ?? []].flat()
  if (audience.length === 0 || audience.includes('')) throw new TypeError(`no audience for ${issuer.issuer}`)
  return new Set(audience)
}

/** The bounds of a verifier. @throws {TypeError} for one that cannot be meant. */
export function boundsOf(options: VerifierOptions) {
  const { clockToleranceSeconds = TOLERANCE_SECONDS, maxTokenLifetimeSeconds = TOKEN_CAP_SECONDS, cache } = options
  const maxTokens = cache === false ? 0 : (cache?.maxTokens ?? MAX_TOKENS)
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= LONGEST_TOLERANCE_SECONDS))
    throw new TypeError(`clockToleranceSeconds must be from 0 to ${LONGEST_TOLERANCE_SECONDS}`)
  if (!(maxTokenLifetimeSeconds > 0 && Number.isFinite(maxTokenLifetimeSeconds)))
    throw new TypeError('maxTokenLifetimeSeconds must be above 0')
  if (cache !== false && !(Number.isSafeInteger(maxTokens) && maxTokens >= 2))
    throw new TypeError('cache.maxTokens must be a whole number from 2, or the cache false')
  return { clockToleranceSeconds, maxTokenLifetimeSeconds, maxTokens }
}
