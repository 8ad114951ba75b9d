import type { UserState } from '../user/index.ts'
import type { ClientState } from '../client/index.ts'
import { grant as grants, grantStream, makeRefreshToken, type NewRefresh } from '../grant/index.ts'
import { type CommandContext, newId } from '../log/index.ts'
import type { Encryption } from '../resource/index.ts'
import { startSession } from '../session/index.ts'
import { grantClaims } from './access-token.ts'
import { issue, type TokenAnswer, type TokenDependencies, tokensOf } from './issuing.ts'
import { lifetimesOf, tokenLife } from './lifetimes.ts'
import { signed } from './signing.ts'
import { assertFits } from './size.ts'

/** Who opens a grant, for what. */
export interface Opening {
  readonly grantType: string
  /** How the user was authenticated, RFC 8176. */
  readonly amr: readonly string[]
  readonly client: ClientState
  /** At the very revision that was verified: if anything ended their tokens meanwhile, the grant is dead. */
  readonly user: UserState
  readonly scope: readonly string[]
  readonly aud: readonly string[]
  readonly encryption: Encryption | undefined
  readonly context: CommandContext
  /** When the request was taken, before anything that decides was read; whole seconds since the epoch. */
  readonly now: number
  /** As that of a token request. */
  readonly issuerEpoch: number
  readonly continued?: Continued
}

/** What a grant takes over from the one in whose place it is opened: nothing about it becomes newer or lasts longer. */
export interface Continued {
  readonly gid: string
  readonly sid: string
  readonly client_epoch: number
  readonly auth_time: number
  /** Whole seconds since the epoch; `undefined` when the user was authenticated anew. */
  readonly expires_at?: { readonly session: number; readonly refresh: number } | undefined
  readonly hasRefresh: boolean
}

const opensAnew = (client: ClientState, now: number): Continued => ({
  gid: newId(),
  sid: newId(),
  client_epoch: client.epoch,
  auth_time: now,
  hasRefresh: true,
})

/**
 * The grant opens a session of its own. Neither append needs the other: a grant whose session is missing is dead, a
 * session without a grant is empty; so both go at once, and the answer waits for both.
 */
export async function openGrant(
  { log, locators, facts, tokenCap, ...keys }: Omit<TokenDependencies, 'signIn' | 'audiences'>,
  { grantType, amr, client, context, now, issuerEpoch, user, scope, aud, encryption, continued }: Opening,
): Promise<TokenAnswer> {
  const lifetimes = lifetimesOf(client.metadata, tokenCap)
  const { gid, sid, client_epoch, auth_time, expires_at, hasRefresh } = continued ?? opensAnew(client, now)
  const sessionEnd = Math.min(now + lifetimes.refreshToken, expires_at?.session ?? Infinity)
  const refreshEnd = Math.min(now + lifetimes.refreshToken, expires_at?.refresh ?? Infinity)
  const [{ signer }, derivationKeys] = await Promise.all([keys.signingKeys.read(), keys.derivationKeys.read()])
  const owner = { client_id: client.client_id, sub: user.sub, gid, sid, scope: [...scope], aud: [...aud] }
  const sessionLeft = Math.min(sessionEnd - now, lifetimes.refreshTokenIdle)
  const expires_in = tokenLife(lifetimes.accessToken, scope, sessionLeft)
  const issued = issue({ ...owner, iat: now, expires_in, kid: signer.kid })
  const refresh: NewRefresh | null =
    client.metadata.grant_types.includes('refresh_token') && hasRefresh && refreshEnd > now
      ? {
          key: derivationKeys.current,
          expires_at: refreshEnd,
          idle_expires_at: Math.min(now + lifetimes.refreshTokenIdle, refreshEnd),
        }
      : null
  const opened = {
    ...owner,
    grant_type: grantType,
    auth_time,
    amr: [...amr],
    user_epoch: user.epoch,
    client_epoch,
    issuer_epoch: issuerEpoch,
    opened_at: now,
  }
  const claims = grantClaims(facts, issued, opened, user)
  assertFits(claims, encryption)
  const events = grants.decide({ type: 'Open', grant: opened, refresh, token: issued }, undefined)
  const own = { context: { ...context, actor: { type: 'user', id: user.sub } as const }, dataKey: user.data_key }
  const start = {
    type: 'Start',
    sid,
    sub: user.sub,
    userEpoch: user.epoch,
    amr,
    authTime: auth_time,
    now,
    idleFor: sessionLeft,
    lastsFor: sessionEnd - now,
  } as const
  const [{ position }] = await Promise.all([
    log.append(grantStream.of(gid), events, { expected: 'noStream', ...own }),
    startSession(log, start, own),
  ])
  const jwt = await signed(issued, claims, { signer, locators, encryption })
  const refreshToken =
    refresh === null ? undefined : makeRefreshToken(derivationKeys, { key: refresh.key, gid, generation: 0 })
  return { position, tokens: tokensOf(jwt, issued, refreshToken) }
}
