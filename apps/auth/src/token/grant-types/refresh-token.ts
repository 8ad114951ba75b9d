import { InvalidGrant, InvalidRequest } from '@ledgate/oauth'
import { aboutUser, readUser, unlessErased } from '../../user/index.ts'
import { sha256 } from '../../credential/index.ts'
import {
  type GrantCommand,
  grantOf,
  type GrantState,
  type Issued,
  judgeRefresh,
  makeRefreshToken,
  moveRevokedTokens,
  needsSpending,
  type Presented,
  type ReadGrant,
  readRefreshToken,
  type RefreshState,
  type RefreshToken,
  sourceHash,
  spendingOf,
} from '../../grant/index.ts'
import { type Asked, type CommandContext, type Found, handle } from '../../log/index.ts'
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
import { narrowedAudience, narrowedScope } from '../narrowing.ts'
import { type LiveParties, loadParties, requireLiveParties } from '../parties.ts'
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

/** A spent token came back in a way that no retry does: the grant is revoked. */
async function endForReuse(
  { log }: TokenDependencies,
  { context }: TokenRequest,
  { sub }: GrantState,
  generation: number,
): Promise<Asked<GrantCommand>> {
  const user = (await readUser(log, sub))?.state
  return {
    command: { type: 'EndForReuse', generation },
    ...aboutUser(user, { ...context, actor: { type: 'user', id: sub } }),
  }
}

/** A refresh token that is answered, unless the rules of the grant refuse it. */
interface Renewal extends Asked<GrantCommand> {
  readonly issued: Issued
  readonly parties: LiveParties
  readonly idleFor: number
  /** The successor of the refresh token, once the grant has one. */
  successor(refresh: RefreshState): string
  /** The access token, once it is recorded. */
  sign(): Promise<string>
}

/** @throws {InvalidGrant | InvalidScope | InvalidTarget} when one of the parties no longer lives, or it asks for too much. */
async function renewal(
  dependencies: TokenDependencies,
  { client, body, context, now }: TokenRequest,
  grant: GrantState,
  presented: Presented,
): Promise<Renewal> {
  const { log, signingKeys, audiences, locators, facts, tokenCap } = dependencies
  const [parties, { signer }, derivationKeys] = await Promise.all([
    loadParties({ log, ...facts }, grant, client),
    signingKeys.read(),
    dependencies.derivationKeys.read(),
  ])
  requireLiveParties(grant, parties, now)
  const { user, session } = parties
  const { refreshTokenIdle: idleFor, accessToken } = lifetimesOf(client.metadata, tokenCap)
  const { sub, gid, sid, client_id } = grant
  const scope = narrowedScope(grant, body['scope'])
  const sessionLeft = secondsLeft(touched(session.state, now, idleFor), now)
  const { aud, encryption } = await audiences.granted(narrowedAudience(grant, body['resource']))
  const expires_in = tokenLife(accessToken, scope, sessionLeft)
  const issued = issue({ client_id, sub, gid, sid, scope, aud: [...aud], iat: now, expires_in, kid: signer.kid })
  const claims = grantClaims(facts, issued, grant, user)
  async function prepareAppend(): Promise<CommandContext> {
    assertFits(claims, encryption)
    await moveRevokedTokens(log, grant, now, { context })
    return { ...context, actor: { type: 'user', id: sub } }
  }
  return {
    command: { type: 'PresentRefreshToken', ...presented, idleFor, nextKey: derivationKeys.current, token: issued },
    context: prepareAppend,
    dataKey: user.data_key,
    issued,
    parties,
    idleFor,
    successor: ({ key, generation }) => makeRefreshToken(derivationKeys, { key, gid, generation }),
    sign: () => signed(issued, claims, { signer, locators, encryption }),
  }
}

/** What a refresh token asks of its grant. @throws {OAuthError} when it is refused before the grant's own rules. */
async function ask(
  dependencies: TokenDependencies,
  request: TokenRequest,
  token: RefreshToken,
  { state: grant, expected }: Found<GrantState | undefined>,
): Promise<Renewal | Asked<GrantCommand>> {
  const { client, body } = request
  if (grant === undefined || expected === 'noStream' || grant.client_id !== client.client_id) {
    assertMayUse('refresh_token', client)
    throw new InvalidGrant('unknown grant, or a grant of another client')
  }
  const presented = await presentation(dependencies, request, token, { state: grant, revision: expected })
  if (judgeRefresh(presented, grant) === 'reuse') return endForReuse(dependencies, request, grant, token.generation)
  assertMayUse('refresh_token', client)
  assertAttempt(body['refresh_attempt'])
  return renewal(dependencies, request, grant, presented)
}

async function refresh(
  dependencies: TokenDependencies,
  request: TokenRequest,
  token: RefreshToken,
): Promise<TokenAnswer> {
  const { log } = dependencies
  const grant = grantOf(token.gid)
  const { asked, state, position } = await handle(log, grant, (found) => ask(dependencies, request, token, found))
  if (asked === undefined || !('issued' in asked))
    throw new InvalidGrant('a spent refresh token was presented again: the grant is revoked')
  if (position === undefined || !state?.refresh) throw new InvalidGrant('the grant has no refresh token')
  const { issued, parties, idleFor, dataKey } = asked
  const context = { ...request.context, actor: { type: 'user', id: state.sub } } as const
  const touch = { type: 'Touch', now: request.now, idleFor } as const
  await changeSession(log, state.sid, touch, { context, dataKey, known: parties.session })
  return { position, tokens: tokensOf(await asked.sign(), issued, asked.successor(state.refresh)) }
}

async function run(dependencies: TokenDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { refresh_token: text } = request.body
  const token = typeof text === 'string' ? readRefreshToken(await dependencies.derivationKeys.read(), text) : undefined
  if (token !== undefined)
    return unlessErased(
      (cause) => new InvalidGrant('the user was erased meanwhile', { cause }),
      () => refresh(dependencies, request, token),
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
