import type { JsonObject } from '@ledgate/eventsourcing'
import { isSignedBy, type Jws, parseJws } from '@ledgate/jws'
import { MAX_TOKEN_IN_FORM } from '@ledgate/oauth'
import type { JWTPayload } from 'jose'
import type { GrantState, Issued } from '../grant/index.ts'
import type { SigningKeySet } from '../signing-key/index.ts'

/** The `typ` of an access token, RFC 9068 §2.1. */
export const TYP = 'at+jwt'

/** What every access token says beside what its issuing recorded. */
export interface TokenFacts {
  readonly issuer: string
  /** Raised by a restore from backup: whatever was issued before is void. Never older than the call. */
  issuerEpoch(): Promise<number>
}

const audience = (aud: readonly string[]) => (aud.length === 1 ? aud[0] : aud)

/** The claims that tokens of users and tokens of clients share, RFC 9068 §2.2. */
function base({ issuer }: Pick<TokenFacts, 'issuer'>, issued: Issued) {
  return {
    iss: issuer,
    sub: issued.sub,
    aud: audience(issued.aud),
    client_id: issued.client_id,
    iat: issued.iat,
    exp: issued.iat + issued.expires_in,
    jti: issued.jti,
    ...(issued.scope.length > 0 && { scope: issued.scope.join(' ') }),
  }
}

type Named = Pick<TokenFacts, 'issuer'>

/** The claims of a client's own token, with the epochs that were true when it was asked for. */
export const serviceClaims = (
  facts: Named,
  issued: Issued,
  epochs: Pick<ReadAccessToken, 'client_epoch' | 'issuer_epoch'>,
): JsonObject => ({ ...base(facts, issued), ...epochs })

/** What a user may do, as it is today. */
export interface Authorization {
  readonly roles: readonly string[]
  readonly entitlements: readonly string[]
}

/** The claims of a token for a user: the epochs are the grant's, never today's, so a token made late is born dead. */
export const grantClaims = (facts: Named, issued: Issued, grant: GrantClaims, user: Authorization): JsonObject => ({
  ...base(facts, issued),
  sid: grant.sid,
  gid: grant.gid,
  auth_time: grant.auth_time,
  amr: grant.amr,
  user_epoch: grant.user_epoch,
  client_epoch: grant.client_epoch,
  issuer_epoch: grant.issuer_epoch,
  ...(user.roles.length > 0 && { roles: user.roles }),
  ...(user.entitlements.length > 0 && { entitlements: user.entitlements }),
})

type GrantClaims = Pick<
  GrantState,
  'sid' | 'gid' | 'auth_time' | 'amr' | 'user_epoch' | 'client_epoch' | 'issuer_epoch'
>

/** An access token of ours, its signature and its time verified. */
export interface ReadAccessToken {
  readonly jti: string
  readonly sub: string
  readonly client_id: string
  readonly aud: readonly string[]
  readonly iat: number
  readonly exp: number
  readonly scope?: string
  readonly sid?: string
  readonly gid?: string
  readonly user_epoch?: number
  readonly client_epoch: number
  readonly issuer_epoch: number
  readonly claims: JsonObject
}

export interface VerifyOptions {
  readonly issuer: string
  readonly keys: Pick<SigningKeySet, 'publicKey'>
  /** Whole seconds since the epoch. */
  readonly now: number
}

function readOrNone(jwt: string): Jws | undefined {
  try {
    return parseJws(jwt)
  } catch {
    return undefined
  }
}

/** What an access token says, if it is one of ours and has not expired; `undefined` for anything else. */
export function readAccessToken(jwt: string, { issuer, keys, now }: VerifyOptions): ReadAccessToken | undefined {
  const jws = jwt.length > MAX_TOKEN_IN_FORM ? undefined : readOrNone(jwt)
  if (jws === undefined) return undefined
  const { typ, alg, kid = '' } = jws.header
  const key = keys.publicKey(kid)
  if (typ !== TYP || 'crit' in jws.header || key?.alg !== alg) return undefined
  if (key === undefined || !isSignedBy(key, jws.input, jws.signature)) return undefined
  // By a key of ours and of this type, so it says what we wrote.
  const claims = jws.claims() as JWTPayload & Omit<ReadAccessToken, 'aud' | 'claims'>
  if (claims.iss !== issuer || !(claims.exp > now)) return undefined
  return { ...claims, aud: [claims.aud ?? []].flat(), claims: claims as JsonObject }
}
