import { InvalidGrant } from '@ledgate/oauth'
import { type ClientState, readClient } from '../client/index.ts'
import type { GrantState } from '../grant/index.ts'
import type { EventLog } from '../log/index.ts'
import { isLiveSession, type ReadSession, readSession } from '../session/index.ts'
import { readUser, type UserState } from '../user/index.ts'
import type { TokenFacts } from './access-token.ts'

/** Whom a grant and its tokens depend on, as they are now; `undefined` for one that does not exist. */
export interface Parties {
  readonly user: UserState | undefined
  readonly client: ClientState | undefined
  readonly session: ReadSession | undefined
  /** Of the installation. */
  readonly issuerEpoch: number
}

export interface LiveParties extends Parties {
  readonly user: UserState
  readonly client: ClientState
  readonly session: ReadSession
}

export interface PartiesDependencies extends Pick<TokenFacts, 'issuerEpoch'> {
  readonly log: EventLog
}

/**
 * The parties of a grant, never older than the call.
 *
 * @param known the client, if the request has read it already.
 */
export async function loadParties(
  { log, issuerEpoch }: PartiesDependencies,
  { sub, sid, client_id }: Pick<GrantState, 'sub' | 'sid' | 'client_id'>,
  known?: ClientState,
): Promise<Parties> {
  const [user, client, session, epoch] = await Promise.all([
    readUser(log, sub),
    known ?? readClient(log, client_id).then((found) => found?.state),
    readSession(log, sid),
    issuerEpoch(),
  ])
  return { user: user?.state, client, session, issuerEpoch: epoch }
}

type ClientEpochs = Pick<GrantState, 'client_epoch' | 'issuer_epoch'>

/** What is true of a grant since it was opened, and of its tokens. An epoch that rose revokes what is below it. */
type Bound = ClientEpochs & Pick<GrantState, 'user_epoch' | 'scope'>

const issuerReason = ({ issuer_epoch }: ClientEpochs, { issuerEpoch }: Pick<Parties, 'issuerEpoch'>) =>
  issuer_epoch < issuerEpoch ? 'every token issued before the issuer epoch is revoked' : undefined

function userReason({ user_epoch }: Bound, { user }: Parties): string | undefined {
  if (user === undefined || user.erased) return 'the user was erased'
  if (user.disabled) return 'the user is disabled'
  return user_epoch < user.epoch ? 'the sessions of the user were revoked' : undefined
}

function clientReason({ client_epoch }: ClientEpochs, { client }: Pick<Parties, 'client'>): string | undefined {
  if (client === undefined || client.disabled) return 'the client is disabled'
  return client_epoch < client.epoch ? 'the tokens of the client were revoked' : undefined
}

function sessionReason({ scope }: Bound, { session }: Parties, now: number): string | undefined {
  if (session === undefined) return 'the session was never started'
  if (session.state.ended === 'revoked') return 'the session was revoked'
  return isLiveSession(session.state, now) || scope.includes('offline_access') ? undefined : 'the session has ended'
}

/** Why a client's own token is invalid; `undefined` while it lives. */
export const invalidServiceReason = (
  bound: ClientEpochs,
  parties: Pick<Parties, 'client' | 'issuerEpoch'>,
): string | undefined => issuerReason(bound, parties) ?? clientReason(bound, parties)

/** Why a grant, or a token of it with these epochs, is invalid; `undefined` while it lives. */
const invalidReason = (bound: Bound, parties: Parties, now: number): string | undefined =>
  issuerReason(bound, parties) ??
  userReason(bound, parties) ??
  clientReason(bound, parties) ??
  sessionReason(bound, parties, now)

/** Whether a grant, or a token of it with these epochs, lives. @param now whole seconds since the epoch. */
export const areLive = (bound: Bound, parties: Parties, now: number): parties is LiveParties =>
  invalidReason(bound, parties, now) === undefined

/** @throws {InvalidGrant} when one of the parties no longer lives, RFC 6749 §5.2. */
export function requireLiveParties(bound: Bound, parties: Parties, now: number): asserts parties is LiveParties {
  const reason = invalidReason(bound, parties, now)
  if (reason !== undefined) throw new InvalidGrant(reason)
}
