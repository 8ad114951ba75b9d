import type { IssuerOptions, VerifierOptions } from './verifier-options.ts'
import { secureUrl } from '../url/index.ts'

const TOLERANCE_SECONDS = 5
/** Notices are kept for a minute longer than the tokens they revoke. A longer tolerance would accept revoked tokens again. */
const LONGEST_TOLERANCE_SECONDS = 60
const TOKEN_CAP_SECONDS = 3_600
const MAX_TOKENS = 10_000

const isSource = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'open' in value && typeof value.open === 'function'

/** Checked also for callers without types. */
function areRevocations(value: unknown): boolean {
  const sources = [value].flat()
  return value === false || (sources.length > 0 && sources.length <= 2 && sources.every(isSource))
}

/** The issuers of either form of the options. @throws {TypeError} for none, for a duplicate, and for an insecure URL. */
export function issuersOf(options: VerifierOptions): readonly IssuerOptions[] {
  const issuers = 'issuers' in options ? options.issuers : [options]
  const names = issuers.map(({ issuer }) => issuer)
  if (names.length === 0) throw new TypeError('there must be at least one issuer')
  if (new Set(names).size !== names.length) throw new TypeError('an issuer is configured twice')
  for (const { issuer, revocations, allowInsecureRequests = false } of issuers) {
    secureUrl(issuer, allowInsecureRequests)
    if (!areRevocations(revocations))
      throw new TypeError(`revocations of ${issuer} must be one source, two sources, or false`)
  }
  return issuers
}

/** The audience of the tokens of an issuer. @throws {TypeError} if there is none. */
export function audienceOf(issuer: IssuerOptions, options: VerifierOptions): ReadonlySet<string> {
  const audience = [issuer.audience ?? options.audience ?? []].flat()
  if (audience.length === 0 || audience.includes('')) throw new TypeError(`there is no audience for ${issuer.issuer}`)
  return new Set(audience)
}

/** The limits of a verifier. @throws {TypeError} if one is invalid. */
export function boundsOf(options: VerifierOptions) {
  const { clockToleranceSeconds = TOLERANCE_SECONDS, maxTokenLifetimeSeconds = TOKEN_CAP_SECONDS, cache } = options
  const maxTokens = cache === false ? 0 : (cache?.maxTokens ?? MAX_TOKENS)
  if (!(clockToleranceSeconds >= 0 && clockToleranceSeconds <= LONGEST_TOLERANCE_SECONDS))
    throw new TypeError(`clockToleranceSeconds must be from 0 to ${LONGEST_TOLERANCE_SECONDS}`)
  if (!(maxTokenLifetimeSeconds > 0 && Number.isFinite(maxTokenLifetimeSeconds)))
    throw new TypeError('maxTokenLifetimeSeconds must be above 0')
  if (cache !== false && !(Number.isSafeInteger(maxTokens) && maxTokens >= 2))
    throw new TypeError('cache.maxTokens must be an integer of at least 2; set cache to false for no cache')
  return { clockToleranceSeconds, maxTokenLifetimeSeconds, maxTokens }
}
