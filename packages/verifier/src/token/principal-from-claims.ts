import type { TokenFacts } from '@ledgate/revocation'
import type { JWTPayload } from 'jose'
import type { TokenClaims } from './claims.ts'
import { deepFreeze, frozenSet } from './frozen.ts'
import type { Principal } from '../principal/index.ts'

/** The scope tokens of a `scope` claim, RFC 8693 §4.2. */
const scopeTokens = (scope: string): readonly string[] => scope.split(' ').filter((token) => token !== '')

const MOST_REMEMBERED = 512
/** Longer claims are shared by few tokens. */
const LONGEST_REMEMBERED = 1_024
const remembered = new Map<string, ReadonlySet<string>>()

/** The same set for the same claim, since the tokens of a service have few different ones. */
function scopesOf(scope = ''): ReadonlySet<string> {
  const known = remembered.get(scope)
  if (known !== undefined) return known
  if (remembered.size >= MOST_REMEMBERED) remembered.clear()
  const made = frozenSet(scopeTokens(scope))
  if (scope.length <= LONGEST_REMEMBERED) remembered.set(scope, made)
  return made
}

const clientOf = ({ client_id: clientId, azp }: TokenClaims): string => clientId ?? azp ?? ''

/** The claims by which a token signed with this key can be revoked. */
const factsOf = (claims: TokenClaims, kid: string, scopes: ReadonlySet<string>): TokenFacts => ({
  jti: claims.jti ?? '',
  client_id: clientOf(claims),
  sub: claims.sub,
  kid,
  sid: claims.sid,
  gid: claims.gid,
  isOffline: scopes.has('offline_access'),
  issuer_epoch: claims.issuer_epoch,
  client_epoch: claims.client_epoch,
  user_epoch: claims.user_epoch,
})

/** The principal of a token, frozen. */
export function principalFromClaims(claims: TokenClaims, payload: JWTPayload, kid: string): Principal {
  const scopes = scopesOf(claims.scope)
  const clientId = clientOf(claims)
  return Object.freeze({
    issuer: claims.iss,
    sub: claims.sub,
    clientId,
    jti: claims.jti ?? '',
    sid: claims.sid,
    gid: claims.gid,
    iat: claims.iat ?? claims.nbf ?? 0,
    exp: claims.exp,
    audience: Object.freeze(typeof claims.aud === 'string' ? [claims.aud] : claims.aud),
    scopes,
    roles: frozenSet(claims.roles ?? []),
    entitlements: frozenSet(claims.entitlements ?? []),
    acr: claims.acr,
    amr: claims.amr && Object.freeze(claims.amr),
    authTime: claims.auth_time,
    kind: claims.sub === clientId ? 'service' : 'user',
    confirmation: claims.cnf && Object.freeze(claims.cnf.jkt === undefined ? {} : { jkt: claims.cnf.jkt }),
    claims: deepFreeze(payload),
    facts: Object.freeze(factsOf(claims, kid, scopes)),
  })
}
