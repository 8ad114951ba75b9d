import { randomBytes } from 'node:crypto'
import { InvalidRequest } from '@ledgate/oauth'
import type { UserState } from '../../account/index.ts'
import { grant as grants, makeRefreshToken, type NewRefresh } from '../../grant/index.ts'
import { startSession } from '../../session/index.ts'
import { grantClaims, TYP } from '../access-token.ts'
import { issue, type TokenAnswer, type TokenDependencies, type TokenRequest, tokensOf } from '../issuing.ts'
import { type Lifetimes, lifetimesOf } from '../lifetimes.ts'
import { grantedScope, readResourceParameter } from '../scope.ts'

const newId = () => randomBytes(16).toString('hex')

/** RFC 8176: a password. */
const AMR = ['pwd']

function credentials(body: Readonly<Record<string, unknown>>): { username: string; password: string } {
  const { username, password } = body
  if (typeof username !== 'string' || typeof password !== 'string')
    throw new InvalidRequest('username and password are required')
  return { username, password }
}

/**
 * The grant opens a session of its own. Neither append needs the other: a grant whose session is missing is dead, a
 * session without a grant is empty; so both go at once, and the answer waits for both.
 */
async function open(
  { log, derivationKeys, signingKeys, facts }: TokenDependencies,
  { client, context, now }: TokenRequest,
  { user, scope, aud, lifetimes }: { user: UserState; scope: readonly string[]; aud: string[]; lifetimes: Lifetimes },
): Promise<TokenAnswer> {
  const [gid, sid] = [newId(), newId()]
  const signer = signingKeys.current()
  const owner = { client_id: client.client_id, sub: user.sub, gid, sid, scope: [...scope], aud }
  const issued = issue({ ...owner, iat: now, expires_in: lifetimes.accessToken, kid: signer.kid })
  const refresh: NewRefresh | null = client.metadata.grant_types.includes('refresh_token')
    ? {
        key: derivationKeys.current,
        expires_at: now + lifetimes.refreshToken,
        idle_expires_at: now + Math.min(lifetimes.refreshTokenIdle, lifetimes.refreshToken),
      }
    : null
  const opened = {
    ...owner,
    grant_type: 'password',
    auth_time: now,
    amr: AMR,
    user_epoch: user.epoch,
    client_epoch: client.epoch,
    issuer_epoch: facts.issuerEpoch,
    opened_at: now,
  }
  const events = grants.decide({ type: 'Open', grant: opened, refresh, token: issued }, undefined)
  const own = { context: { ...context, actor: { type: 'user', id: user.sub } as const }, dataKey: user.data_key }
  const start = {
    type: 'Start',
    sid,
    sub: user.sub,
    userEpoch: user.epoch,
    amr: AMR,
    now,
    idleFor: lifetimes.refreshTokenIdle,
    lastsFor: lifetimes.refreshToken,
  } as const
  const [{ position }] = await Promise.all([
    log.append(`grant-${gid}`, events, { expected: 'noStream', ...own }),
    startSession(log, start, own),
  ])
  const jwt = await signer.sign({ typ: TYP }, grantClaims(facts, issued, opened, user))
  const refreshToken =
    refresh === null ? undefined : makeRefreshToken(derivationKeys, { key: refresh.key, gid, generation: 0 })
  return { position, tokens: tokensOf(jwt, issued, refreshToken) }
}

/** A person's own password and a client's own credentials, validated together. RFC 6749 §4.3. */
export async function password(dependencies: TokenDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { client, body, context, source } = request
  const scope = grantedScope(client, body['scope'])
  const aud = await dependencies.audiences.resolve({ scope, resource: readResourceParameter(body['resource']) })
  const user = await dependencies.signIn.signIn({ ...credentials(body), source, context })
  return open(dependencies, request, {
    user,
    scope,
    aud,
    lifetimes: lifetimesOf(client.metadata, dependencies.tokenCap),
  })
}
