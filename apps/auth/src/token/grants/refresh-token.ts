import { InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget } from '@ledgate/oauth'
import { readUser, type UserState } from '../../account/index.ts'
import { sha256 } from '../../client/index.ts'
import {
  attemptThatSpent,
  type GrantState,
  grant as grants,
  makeRefreshToken,
  type ReadGrant,
  readGrant,
  readRefreshToken,
  type RefreshToken,
} from '../../grant/index.ts'
import { untilSettled } from '../../log/index.ts'
import { changeSession, readSession, secondsLeft, type SessionState, touched } from '../../session/index.ts'
import { grantClaims } from '../access-token.ts'
import { issue, type TokenAnswer, type TokenDependencies, type TokenRequest, tokensOf } from '../issuing.ts'
import { lifetimesOf, tokenLife } from '../lifetimes.ts'
import { whyDead } from '../liveness.ts'
import { readResourceParameter, readScope } from '../scope.ts'
import { signed } from '../signing.ts'

const ATTEMPT = /^[A-Za-z0-9._~-]{8,128}$/

/** What the request says; nothing of it is proved yet. */
function parameters(body: Readonly<Record<string, unknown>>): { refreshToken: string; attempt: string | null } {
  const { refresh_token, refresh_attempt } = body
  if (typeof refresh_token !== 'string') throw new InvalidRequest('refresh_token is required')
  if (refresh_attempt === undefined) return { refreshToken: refresh_token, attempt: null }
  if (typeof refresh_attempt !== 'string' || !ATTEMPT.test(refresh_attempt))
    throw new InvalidRequest('refresh_attempt is 8 to 128 of the characters A-Z a-z 0-9 . _ ~ -')
  return { refreshToken: refresh_token, attempt: sha256(refresh_attempt) }
}

/**
 * A narrower scope narrows this access token alone, RFC 6749 §6. Whether it outlives the session is a matter of the grant: a
 * resource server reads it from the token.
 */
function narrowedScope(grant: GrantState, parameter: unknown): string[] {
  const asked = readScope(parameter)
  if (asked?.some((token) => !grant.scope.includes(token))) throw new InvalidScope('more than was granted')
  return grant.scope.filter((token) => asked === undefined || asked.includes(token) || token === 'offline_access')
}

/** A narrower audience narrows this access token alone, RFC 8707 §2.2. */
function narrowedAudience(grant: GrantState, parameter: unknown): string[] {
  const asked = readResourceParameter(parameter)
  if (asked.some((resource) => !grant.aud.includes(resource))) throw new InvalidTarget('not a resource of the grant')
  return asked.length > 0 ? [...asked] : [...grant.aud]
}

/** Who the grant is for, if all of them still stand behind it. @throws {InvalidGrant} */
async function standing(
  { log, facts }: TokenDependencies,
  grant: GrantState,
  { client, now }: TokenRequest,
): Promise<{ readonly user: UserState; readonly session: SessionState }> {
  const [user, session] = await Promise.all([readUser(log, grant.sub), readSession(log, grant.sid)])
  const issuerEpoch = facts.issuerEpoch()
  const dead = whyDead(grant, { user: user?.state, client, session: session?.state, issuerEpoch, now })
  if (dead !== undefined || user === undefined || session === undefined)
    throw new InvalidGrant(dead ?? 'the person is gone')
  return { user: user.state, session: session.state }
}

/** A spent token of long ago is judged by the attempt that spent it. */
async function spentBy({ log }: TokenDependencies, { state }: ReadGrant, token: RefreshToken): Promise<string | null> {
  const isOld = state.refresh !== null && token.generation < state.refresh.generation - 1
  return isOld ? attemptThatSpent(log, state.gid, token.generation) : null
}

async function renew(
  dependencies: TokenDependencies,
  request: TokenRequest,
  presented: RefreshToken,
  attempt: string | null,
): Promise<TokenAnswer> {
  const { log, signingKeys, derivationKeys, audiences, locators, facts, tokenCap } = dependencies
  const { client, body, context, now } = request
  const found = await readGrant(log, presented.gid)
  if (found === undefined || found.state.client_id !== client.client_id)
    throw new InvalidGrant('no such grant of this client')
  const { user, session } = await standing(dependencies, found.state, request)
  const lifetimes = lifetimesOf(client.metadata, tokenCap)
  const signer = signingKeys.current()
  const { sub, gid, sid, client_id } = found.state
  const scope = narrowedScope(found.state, body['scope'])
  const sessionLeft = secondsLeft(touched(session, now, lifetimes.refreshTokenIdle), now)
  const aud = narrowedAudience(found.state, body['resource'])
  const encryption = await audiences.encryptionFor(aud)
  const issued = issue({
    client_id,
    sub,
    gid,
    sid,
    scope,
    aud,
    iat: now,
    expires_in: tokenLife(lifetimes.accessToken, scope, sessionLeft),
    kid: signer.kid,
  })
  const events = grants.decide(
    {
      type: 'PresentRefreshToken',
      generation: presented.generation,
      key: presented.key,
      attempt,
      spentBy: await spentBy(dependencies, found, presented),
      now,
      grace: lifetimes.refreshTokenGrace,
      idleFor: lifetimes.refreshTokenIdle,
      nextKey: derivationKeys.current,
      token: issued,
    },
    found.state,
  )
  const own = { context: { ...context, actor: { type: 'user', id: sub } as const }, dataKey: user.data_key }
  const { position } = await log.append(`grant-${gid}`, events, { expected: found.revision, ...own })
  const after = events.reduce(grants.evolve, found.state)
  if (after === undefined || after.refresh === null || after.revoked)
    throw new InvalidGrant('a spent refresh token came back: the grant is revoked')
  await changeSession(log, sid, { type: 'Touch', now, idleFor: lifetimes.refreshTokenIdle }, own)
  const jwt = await signed(issued, grantClaims(facts, issued, after, user), { signer, locators, encryption })
  const { key, generation } = after.refresh
  return { position, tokens: tokensOf(jwt, issued, makeRefreshToken(derivationKeys, { key, gid, generation })) }
}

/** A new access token, and the one successor of the refresh token. RFC 6749 §6, RFC 9700 §4.14.2. */
export async function refreshToken(dependencies: TokenDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { refreshToken: text, attempt } = parameters(request.body)
  const presented = readRefreshToken(dependencies.derivationKeys, text)
  if (presented === undefined) throw new InvalidGrant('not a refresh token of ours')
  return dependencies.turns.take(presented.gid, () =>
    untilSettled(() => renew(dependencies, request, presented, attempt)),
  )
}
