import { MAX_TOKEN_IN_HEADER } from '@ledgate/oauth'
import { isEncrypted, isSignedBy, type Jws, parseJws } from '@ledgate/jws'
import { isAccessTokenType, type Profile, readClaims, type TokenClaims } from './claims.ts'
import type { Decrypt } from './decryption.ts'
import { VerifierError } from '../error/index.ts'
import type { TrustedKey } from '../key/index.ts'
import { principalFromClaims } from './principal-from-claims.ts'
import type { TrustedIssuer } from './trusted-issuer.ts'
import { requireTimely, type VerifiedToken } from './verified-token.ts'

export interface TokenRules {
  readonly issuers: ReadonlyMap<string, TrustedIssuer>
  readonly profile: Profile
  readonly clockToleranceSeconds: number
  readonly maxTokenLifetimeSeconds: number
  /** `undefined` if no encrypted tokens are accepted. */
  readonly decrypt: Decrypt | undefined
}

const fault = (detail: string): VerifierError => new VerifierError('invalid_token', { detail })

/** The signed token inside an encrypted one. */
async function decryptToken(token: string, decrypt: Decrypt | undefined): Promise<string> {
  if (decrypt === undefined) throw fault('encrypted, and there is no decryption key')
  return decrypt(token).catch(() => {
    throw fault('cannot be decrypted')
  })
}

/** The issuer that a token claims to be from; to be trusted only after its signature was verified with a key of that issuer. */
function allegedIssuer(jws: Jws, { issuers }: TokenRules): TrustedIssuer {
  const [only] = issuers.values()
  const issuer = issuers.size === 1 ? only : issuers.get(String(jws.claims().iss))
  if (issuer === undefined) throw fault('its issuer is not trusted')
  return issuer
}

/** The most keys that a token without `kid` is verified with: a rotation needs two. */
const MOST_TRIED = 4

/** The first matching key that verifies the signature. */
function signerOf({ header: { kid, alg }, input, signature }: Jws, { keys }: TrustedIssuer): TrustedKey | undefined {
  const candidates = keys.matching(kid, alg)
  return candidates.slice(0, MOST_TRIED).find((key) => isSignedBy(key, input, signature))
}

/** The name under which the key of a token without `kid` is searched for. */
const NAMELESS = ''

/** Why no key of the issuer verifies a token, if a matching key exists. */
function faultOf({ header: { kid, alg } }: Jws, { keys }: TrustedIssuer): VerifierError | undefined {
  if (keys.matching(kid, alg).length > 0) return fault('the signature is invalid')
  // The algorithm is that of the key, never that of the token.
  return kid !== undefined && keys.get(kid) !== undefined ? fault('its alg is not the one of its key') : undefined
}

/**
 * The key that verifies a token, after a fetch of the key set: because its `kid` is unknown, or because it has none and no known
 * key verifies it.
 */
async function fetchSigner(jws: Jws, issuer: TrustedIssuer): Promise<TrustedKey> {
  const { kid } = jws.header
  const known = kid === undefined ? undefined : faultOf(jws, issuer)
  if (known !== undefined) throw known
  const isSure = await issuer.keys.seek(kid ?? NAMELESS, issuer.unknownKidWaitMs)
  const found = signerOf(jws, issuer)
  if (found !== undefined) return found
  const fresh = faultOf(jws, issuer)
  if (fresh !== undefined) throw fresh
  if (isSure || issuer.keys.isReachable()) throw fault('signed with a key that the issuer does not publish')
  throw new VerifierError('verifier_not_ready', {
    detail: 'signed with an unknown key while the key set cannot be fetched',
  })
}

/**
 * The key that verifies a token whose header is that of an access token. `jwk`, `jku`, `x5u` and `x5c` in the header are
 * unauthenticated, and are ignored; no critical extension is understood, RFC 7515 §4.1.11.
 */
async function keyOf(jws: Jws, issuer: TrustedIssuer, profile: Profile): Promise<TrustedKey> {
  const { typ, kid } = jws.header
  if (!isAccessTokenType(typ, profile)) throw fault('its typ is not that of an access token')
  if ('crit' in jws.header) throw fault('it has a crit header')
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) throw fault('its kid is malformed')
  if (!issuer.keys.isFresh())
    throw new VerifierError('verifier_not_ready', { detail: 'there is no key set, or it is too old' })
  return signerOf(jws, issuer) ?? fetchSigner(jws, issuer)
}

/** Requires that a token is from its issuer and for this audience, and lives no longer than revocations are kept. */
function requireMatch(claims: TokenClaims, issuer: TrustedIssuer, rules: TokenRules, now: number): void {
  const { iss, aud } = claims
  if (iss !== issuer.name) throw fault('its iss is another issuer')
  const isForUs = typeof aud === 'string' ? issuer.audience.has(aud) : aud.some((each) => issuer.audience.has(each))
  if (!isForUs) throw fault('its aud is another audience')
  const { maxTokenLifetimeSeconds: cap } = rules
  // Without `iat`, the lifetime counts from now.
  if (claims.exp - (claims.iat ?? now / 1000) > cap) throw fault(`its lifetime is longer than ${cap} s`)
}

/** Whether a token is bound to a key in a way that this verifier does not check, RFC 7800 and RFC 8705. */
const isBoundOtherwise = ({ cnf }: TokenClaims): boolean =>
  cnf !== undefined && (cnf.jkt === undefined || Object.keys(cnf).length > 1)

async function readToken(token: string, rules: TokenRules, now: number): Promise<VerifiedToken> {
  if (token.length > MAX_TOKEN_IN_HEADER) throw fault('it is too long')
  const signed = isEncrypted(token) ? await decryptToken(token, rules.decrypt) : token
  const jws = parseJws(signed)
  const issuer = allegedIssuer(jws, rules)
  const key = await keyOf(jws, issuer, rules.profile)
  const payload = jws.claims()
  const result = readClaims(payload, rules.profile, issuer.feed !== undefined)
  if ('fault' in result) throw fault(`missing or malformed: ${result.fault}`)
  const { claims } = result
  const { clockToleranceSeconds: tolerance } = rules
  const notBefore = (Math.max(claims.nbf ?? 0, claims.iat ?? 0) - tolerance) * 1000
  const expiresAt = (claims.exp + tolerance) * 1000
  // Checked again at each use; here it keeps expired tokens out of the cache.
  requireTimely({ notBefore, expiresAt }, now)
  requireMatch(claims, issuer, rules, now)
  const principal = principalFromClaims(claims, payload, key.kid ?? '')
  return {
    issuer,
    key,
    principal,
    signed,
    notBefore,
    expiresAt,
    isBoundOtherwise: isBoundOtherwise(claims),
    revocable: issuer.feed && { prepared: issuer.feed.index.prepare(principal.facts), aliveAt: -1, endedBy: undefined },
  }
}

/**
 * Verifies what about a token does not change: its signature, issuer, audience, type and claims. Whether it is valid at the moment
 * is checked at each use.
 *
 * @param now milliseconds since the epoch.
 * @throws {VerifierError} `invalid_token`, `token_expired`, or `verifier_not_ready` if there are no keys to verify with.
 */
export async function authenticate(token: string, rules: TokenRules, now: number): Promise<VerifiedToken> {
  try {
    return await readToken(token, rules, now)
  } catch (error) {
    if (error instanceof VerifierError) throw error
    // Not kept as the cause: errors of parsers quote parts of the token.
    throw fault('malformed')
  }
}
