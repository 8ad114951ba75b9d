import { InvalidGrant, InvalidRequest, InvalidScope, InvalidTarget, isSameResource } from '@ledgate/oauth'
import { aboutUser, readUser, unlessErased } from '../../user/index.ts'
import { sha256 } from '../../credential/index.ts'
import {
  grant as grants,
  type GrantState,
  grantStream,
  judgeRefresh,
  makeRefreshToken,
  moveRevokedTokens,
  needsSpending,
  type Presented,
  type ReadGrant,
  readGrant,
  readRefreshToken,
  type RefreshToken,
  sourceHash,
  spendingOf,
} from '../../grant/index.ts'
import { untilSettled } from '../../log/index.ts'
import { changeSession, secondsLeft, touched } from '../../session/index.ts'
import { grantClaims } from '../access-token.ts'
import {
  assertMayUse,
  issue,
  type TokenAnswer,
  type TokenDependencies,
  type TokenRequest,
  tokensOf,
} from '../issuing.ts'
import { lifetimesOf, tokenLife } from '../lifetimes.ts'
import { loadParties, requireLiveParties } from '../parties.ts'
import { readResourceParameter, readScope } from '../scope.ts'
import { signed } from '../signing.ts'
import { assertFits } from '../size.ts'
import type { GrantTypeEntry } from './grant-type.ts'

const ATTEMPT_LENGTH = { least: 8, most: 128 }
const ATTEMPT = new RegExp(`^[A-Za-z0-9._~-]{${ATTEMPT_LENGTH.least},${ATTEMPT_LENGTH.most}}$`)

/** @throws {InvalidRequest} when it has a `refresh_attempt` that is none. */
function assertAttempt(attempt: unknown): void {
  if (attempt === undefined || (typeof attempt === 'string' && ATTEMPT.test(attempt))) return
  throw new InvalidRequest(
    `refresh_attempt is ${ATTEMPT_LENGTH.least} to ${ATTEMPT_LENGTH.most} of the characters A-Z a-z 0-9 . _ ~ -`,
  )
}

/**
 * A narrower scope narrows this access token alone, RFC 6749 §6. Whether it outlives the session is a matter of the grant: a
 * resource server reads it from the token.
 */
function narrowedScope(grant: GrantState, parameter: unknown): string[] {
  const asked = readScope(parameter)
  if (asked?.some((token) => !grant.scope.includes(token))) throw new InvalidScope('the scope exceeds the grant')
  return grant.scope.filter((token) => asked === undefined || asked.includes(token) || token === 'offline_access')
}

/** A narrower audience narrows this access token alone, RFC 8707 §2.2. */
function narrowedAudience(grant: GrantState, parameter: unknown): readonly string[] {
  const asked = readResourceParameter(parameter)
  if (asked.some((resource) => !grant.aud.some((granted) => isSameResource(granted, resource))))
    throw new InvalidTarget('the resource is not one of the grant')
  return asked.length > 0 ? asked : grant.aud
}

/** The token as it is presented: what a retry is told from a theft by. Nothing else of the request has a say in that. */
async function presentation(
  dependencies: TokenDependencies,
  { body, client, now, source }: TokenRequest,
  { generation, key }: RefreshToken,
  found: ReadGrant,
): Promise<Presented> {
  const { refresh_attempt } = body
  // One that is malformed never spent a token: it is an attempt like any other that did not.
  const attempt = refresh_attempt === undefined ? null : sha256(String(refresh_attempt))
  const { refresh } = found.state
  const isAsked = refresh !== null && needsSpending({ generation, attempt }, refresh)
  const spent = isAsked ? await spendingOf(dependencies, found, generation) : null
  const { refreshTokenGrace: grace } = lifetimesOf(client.metadata, dependencies.tokenCap)
  return { generation, key, attempt, source: sourceHash(source), spent, now, grace }
}

/** @throws {InvalidGrant} always: the grant is over. */
async function endForReuse(
  { log }: TokenDependencies,
  { context }: TokenRequest,
  { state, revision }: ReadGrant,
  generation: number,
): Promise<never> {
  const { sub, gid } = state
  const user = (await readUser(log, sub))?.state
  const own = aboutUser(user, { ...context, actor: { type: 'user', id: sub } })
  const events = grants.decide({ type: 'EndForReuse', generation }, state)
  await log.append(grantStream.of(gid), events, { expected: revision, ...own })
  throw new InvalidGrant('a spent refresh token was presented again: the grant is revoked')
}

async function renew(dependencies: TokenDependencies, request: TokenRequest, read: RefreshToken): Promise<TokenAnswer> {
  const { log, signingKeys, audiences, locators, facts, tokenCap } = dependencies
  const { client, body, context, now } = request
  const found = await readGrant(log, read.gid)
  const isOwn = found?.state.client_id === client.client_id
  const presented = isOwn ? await presentation(dependencies, request, read, found) : undefined
  if (isOwn && presented !== undefined && judgeRefresh(presented, found.state) === 'reuse')
    return endForReuse(dependencies, request, found, read.generation)
  assertMayUse('refresh_token', client)
  if (!isOwn || presented === undefined) throw new InvalidGrant('unknown grant, or a grant of another client')
  assertAttempt(body['refresh_attempt'])
  const [parties, { signer }, derivationKeys] = await Promise.all([
    loadParties({ log, ...facts }, found.state, client),
    signingKeys.read(),
    dependencies.derivationKeys.read(),
  ])
  requireLiveParties(found.state, parties, now)
  const { user, session } = parties
  const lifetimes = lifetimesOf(client.metadata, tokenCap)
  const { sub, gid, sid, client_id } = found.state
  const scope = narrowedScope(found.state, body['scope'])
  const sessionLeft = secondsLeft(touched(session.state, now, lifetimes.refreshTokenIdle), now)
  const { aud, encryption } = await audiences.granted(narrowedAudience(found.state, body['resource']))
  const issued = issue({
    client_id,
    sub,
    gid,
    sid,
    scope,
    aud: [...aud],
    iat: now,
    expires_in: tokenLife(lifetimes.accessToken, scope, sessionLeft),
    kid: signer.kid,
  })
  const { refreshTokenIdle: idleFor } = lifetimes
  const command = { type: 'PresentRefreshToken', ...presented, idleFor, nextKey: derivationKeys.current } as const
  const events = grants.decide({ ...command, token: issued }, found.state)
  const after = events.reduce(grants.evolve, found.state)
  if (after === undefined || after.refresh === null) throw new InvalidGrant('the grant has no refresh token')
  const claims = grantClaims(facts, issued, after, user)
  assertFits(claims, encryption)
  await moveRevokedTokens(log, found.state, now, { context })
  const own = { context: { ...context, actor: { type: 'user', id: sub } as const }, dataKey: user.data_key }
  const { position } = await log.append(grantStream.of(gid), events, { expected: found.revision, ...own })
  await changeSession(log, sid, { type: 'Touch', now, idleFor }, { ...own, known: session })
  const jwt = await signed(issued, claims, { signer, locators, encryption })
  const { key, generation } = after.refresh
  return { position, tokens: tokensOf(jwt, issued, makeRefreshToken(derivationKeys, { key, gid, generation })) }
}

async function run(dependencies: TokenDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { refresh_token: text } = request.body
  const read = typeof text === 'string' ? readRefreshToken(await dependencies.derivationKeys.read(), text) : undefined
  if (read !== undefined)
    return dependencies.turns.take(read.gid, () =>
      unlessErased(
        (cause) => new InvalidGrant('the user was erased meanwhile', { cause }),
        () => untilSettled(() => renew(dependencies, request, read)),
      ),
    )
  assertMayUse('refresh_token', request.client)
  if (typeof text !== 'string') throw new InvalidRequest('refresh_token is required')
  throw new InvalidGrant('not a refresh token of ours')
}

/**
 * A new access token, and the one successor of the refresh token. RFC 6749 §6, RFC 9700 §4.14.2. A spent token of this client is
 * judged before anything else is looked at: no other parameter, and nothing that was revoked, hides that it came back.
 */
export const refreshToken: GrantTypeEntry<'refresh_token'> = { type: 'refresh_token', amr: [], run }
