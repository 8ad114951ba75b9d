import { runDecision } from '@ledgate/eventsourcing'
import { readClient } from '../client/index.ts'
import { type GrantState, hasOwnRevocation, isRevokedByGrant, readGrant, readRefreshToken } from '../grant/index.ts'
import type { EventLog } from '../log/index.ts'
import { isLiveSession } from '../session/index.ts'
import type { DerivationKeys, SigningKeys } from '../signing-key/index.ts'
import {
  areLive,
  invalidServiceReason,
  type LiveParties,
  loadParties,
  readAccessToken,
  type ReadAccessToken,
} from '../token/index.ts'

/** A token that lives, as its introspection may say it. RFC 7662 §2.2. */
export interface LiveToken {
  readonly client_id: string
  readonly aud: readonly string[]
  readonly kind: 'access' | 'refresh'
  readonly members: Readonly<Record<string, unknown>>
}

export interface VerdictDependencies {
  readonly log: EventLog
  readonly signingKeys: Pick<SigningKeys, 'read'>
  readonly derivationKeys: Pick<DerivationKeys, 'read'>
  readonly issuer: string
  issuerEpoch(): Promise<number>
}

/** A grant that lives, and whom it depends on. */
export interface LiveGrant {
  readonly grant: GrantState
  readonly parties: LiveParties
}

/** @param userEpoch the user's epoch below which tokens are revoked; default: the token's own. */
async function liveGrant(
  dependencies: VerdictDependencies,
  token: ReadAccessToken,
  gid: string,
  { now, userEpoch = token.user_epoch ?? -1 }: { readonly now: number; readonly userEpoch?: number | undefined },
): Promise<LiveGrant | undefined> {
  const found = await readGrant(dependencies.log, gid)
  if (found === undefined || isRevokedByGrant(found.state, token.jti)) return undefined
  // After the grant: what its state does no longer list has a stream by then.
  const [isRevoked, parties] = await Promise.all([
    hasOwnRevocation(dependencies.log, token),
    loadParties(dependencies, found.state),
  ])
  const { client_epoch, issuer_epoch } = token
  const bound = { user_epoch: userEpoch, client_epoch, issuer_epoch, scope: found.state.scope }
  return !isRevoked && areLive(bound, parties, now) ? { grant: found.state, parties } : undefined
}

/** A token whose person has just ended all others by it. */
export interface Continuing {
  readonly text: string
  /** When the command was asked for, by when the token had not expired; whole seconds since the epoch. */
  readonly askedAt: number
  readonly now: number
  /** What the user's own command raised their epoch to. */
  readonly userEpoch: number
}

/**
 * Whether a grant may be gone on with after its user ended everything by a token of it: whether it would live but for
 * that, and somebody is signed in by its session. What the client may have is in its epoch: that rises when the client loses a
 * scope or a grant type.
 */
export async function continuing(
  dependencies: VerdictDependencies,
  { text, askedAt, now, userEpoch }: Continuing,
): Promise<LiveGrant | undefined> {
  const { signingKeys, issuer } = dependencies
  const token = readAccessToken(text, { issuer, keys: await signingKeys.read(), now: askedAt })
  if (token?.gid === undefined || token.user_epoch !== userEpoch - 1) return undefined
  const live = await liveGrant(dependencies, token, token.gid, { now, userEpoch })
  return live !== undefined && isLiveSession(live.parties.session.state, now) ? live : undefined
}

async function serviceLives({ log, issuerEpoch }: VerdictDependencies, token: ReadAccessToken): Promise<boolean> {
  const [isRevoked, client, epoch] = await Promise.all([
    hasOwnRevocation(log, token),
    readClient(log, token.client_id),
    issuerEpoch(),
  ])
  return !isRevoked && invalidServiceReason(token, { client: client?.state, issuerEpoch: epoch }) === undefined
}

async function accessToken(
  dependencies: VerdictDependencies,
  text: string,
  now: number,
): Promise<LiveToken | undefined> {
  const { signingKeys, issuer } = dependencies
  const token = readAccessToken(text, { issuer, keys: await signingKeys.read(), now })
  if (token === undefined) return undefined
  const lives =
    token.gid === undefined
      ? await serviceLives(dependencies, token)
      : (await liveGrant(dependencies, token, token.gid, { now })) !== undefined
  if (!lives) return undefined
  return {
    client_id: token.client_id,
    aud: token.aud,
    kind: 'access',
    members: { token_type: 'Bearer', ...token.claims },
  }
}

async function refreshToken(
  dependencies: VerdictDependencies,
  text: string,
  now: number,
): Promise<LiveToken | undefined> {
  const { log, derivationKeys, issuer } = dependencies
  const token = readRefreshToken(await derivationKeys.read(), text)
  const found = token && (await readGrant(log, token.gid))
  if (token === undefined || found === undefined) return undefined
  const { refresh, revoked, sub, sid, client_id, scope, aud, opened_at } = found.state
  if (revoked || refresh === null || token.generation !== refresh.generation || token.key !== refresh.key)
    return undefined
  const exp = Math.min(refresh.expires_at, refresh.idle_expires_at)
  if (now >= exp) return undefined
  if (!areLive(found.state, await loadParties(dependencies, found.state), now)) return undefined
  return {
    client_id,
    aud,
    kind: 'refresh',
    members: { iss: issuer, sub, client_id, scope: scope.join(' '), sid, iat: opened_at, exp },
  }
}

/**
 * Whether a token lives now, read from the ends of the streams that can end it: exact, and nothing is written.
 *
 * @param now whole seconds since the epoch.
 */
export function verdict(dependencies: VerdictDependencies, text: string, now: number): Promise<LiveToken | undefined> {
  const lives = text.startsWith('r1.') ? refreshToken : accessToken
  return runDecision(() => lives(dependencies, text, now))
}
