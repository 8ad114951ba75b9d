import { MAX_TOKEN_IN_HEADER } from '@ledgate/oauth'
import { isEncrypted, isSignedBy, type Jws, readJws } from '@ledgate/jws'
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
  /** `undefined` where no token comes encrypted. */
  readonly decrypt: Decrypt | undefined
}

const fault = (detail: string): VerifierError => new VerifierError('invalid_token', { detail })

/** The signed token in one that came encrypted. */
async function decrypted(token: string, decrypt: Decrypt | undefined): Promise<string> {
  if (decrypt === undefined) throw fault('encrypted, and there is no key to decrypt it with')
  return decrypt(token).catch(() => {
    throw fault('cannot be decrypted')
  })
}

/** Whose token it says it is; nothing of this is believed before the signature was verified by that issuer's own keys. */
function allegedIssuer(jws: Jws, { issuers }: TokenRules): TrustedIssuer {
  const [only] = issuers.values()
  const issuer = issuers.size === 1 ? only : issuers.get(String(jws.claims().iss))
  if (issuer === undefined) throw fault('of an issuer that is not trusted here')
  return issuer
}

/** A token without a name of its key is tried with no more keys than these: a rotation needs two. */
const MOST_TRIED = 4

/** The first of the keys that a token can be signed by and is. */
function signerOf({ header: { kid, alg }, input, signature }: Jws, { keys }: TrustedIssuer): TrustedKey | undefined {
  const candidates = keys.matching(kid, alg)
  return candidates.slice(0, MOST_TRIED).find((key) => isSignedBy(key, input, signature))
}

/** By what name the key of a token is looked for that names none. */
const NAMELESS = ''

/** Why no key of the issuer has signed a token: there is one that could have, or there is none at all. */
function faultOf({ header: { kid, alg } }: Jws, { keys }: TrustedIssuer): VerifierError | undefined {
  if (keys.matching(kid, alg).length > 0) return fault('not signed by its key')
  // The key says the algorithm, never the token.
  return kid !== undefined && keys.get(kid) !== undefined ? fault('alg is not that of its key') : undefined
}

/**
 * The key that has signed a token, which is looked for where it is not in the set: by its name, and where it has none, when none of
 * those that are there has signed it.
 */
async function soughtSigner(jws: Jws, issuer: TrustedIssuer): Promise<TrustedKey> {
  const { kid } = jws.header
  const known = kid === undefined ? undefined : faultOf(jws, issuer)
  if (known !== undefined) throw known
  const isSure = await issuer.keys.seek(kid ?? NAMELESS, issuer.unknownKidWaitMs)
  const found = signerOf(jws, issuer)
  if (found !== undefined) return found
  const fresh = faultOf(jws, issuer)
  if (fresh !== undefined) throw fresh
  if (isSure || issuer.keys.isReachable()) throw fault('signed by a key that the issuer does not have')
  throw new VerifierError('verifier_not_ready', { detail: 'signed by an unknown key while the set cannot be fetched' })
}

/**
 * The key that has signed a token whose header is that of an access token. `jwk`, `jku`, `x5u` and `x5c` in there are a stranger's
 * word, and are not looked at; no extension is understood, RFC 7515 §4.1.11.
 */
async function keyOf(jws: Jws, issuer: TrustedIssuer, profile: Profile): Promise<TrustedKey> {
  const { typ, kid } = jws.header
  if (!isAccessTokenType(typ, profile)) throw fault('typ is not that of an access token')
  if ('crit' in jws.header) throw fault('crit')
  if (kid !== undefined && (typeof kid !== 'string' || kid === '')) throw fault('kid is no name')
  if (!issuer.keys.isFresh())
    throw new VerifierError('verifier_not_ready', { detail: 'there is no key set, or it is too old' })
  return signerOf(jws, issuer) ?? soughtSigner(jws, issuer)
}

/** That a token is of its issuer and for us, and lives no longer than revocations are kept. */
function requireFit(claims: TokenClaims, issuer: TrustedIssuer, rules: TokenRules, now: number): void {
  const { iss, aud } = claims
  if (iss !== issuer.name) throw fault('of another issuer')
  const isForUs = typeof aud === 'string' ? issuer.audience.has(aud) : aud.some((each) => issuer.audience.has(each))
  if (!isForUs) throw fault('for another audience')
  const { maxTokenLifetimeSeconds: cap } = rules
  // A token that does not say since when it lives may live that long from now.
  if (claims.exp - (claims.iat ?? now / 1000) > cap) throw fault(`lives longer than ${cap} s`)
}

/** Whether a token is bound to a key by something that nothing here checks, RFC 7800 and RFC 8705. */
const isBoundOtherwise = ({ cnf }: TokenClaims): boolean =>
  cnf !== undefined && (cnf.jkt === undefined || Object.keys(cnf).length > 1)

async function read(token: string, rules: TokenRules, now: number): Promise<VerifiedToken> {
  if (token.length > MAX_TOKEN_IN_HEADER) throw fault('too long')
  const signed = isEncrypted(token) ? await decrypted(token, rules.decrypt) : token
  const jws = readJws(signed)
  const issuer = allegedIssuer(jws, rules)
  const key = await keyOf(jws, issuer, rules.profile)
  const payload = jws.claims()
  const result = readClaims(payload, rules.profile, issuer.feed !== undefined)
  if ('fault' in result) throw fault(`missing or malformed: ${result.fault}`)
  const { claims } = result
  const { clockToleranceSeconds: tolerance } = rules
  const notBefore = (Math.max(claims.nbf ?? 0, claims.iat ?? 0) - tolerance) * 1000
  const expiresAt = (claims.exp + tolerance) * 1000
  // Asked again at each use; here it keeps what is over out of the cache.
  requireTimely({ notBefore, expiresAt }, now)
  requireFit(claims, issuer, rules, now)
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
 * What a token says, its signature verified: of an issuer that is trusted, for us, of the right type and form. Whether it is
 * good now is asked at each use.
 *
 * @param now milliseconds since the epoch.
 * @throws {VerifierError} `invalid_token`, `token_expired`, or `verifier_not_ready` when there are no keys to tell by.
 */
export async function authenticate(token: string, rules: TokenRules, now: number): Promise<VerifiedToken> {
  try {
    return await read(token, rules, now)
  } catch (error) {
    if (error instanceof VerifierError) throw error
    // Not kept as the cause: errors of parsers have pieces of the token in them.
    throw fault('malformed')
  }
}
