import { runDecision, type Position } from '@ledgate/eventsourcing'
import { InvalidRequest } from '@ledgate/oauth'
import { DataKeyDestroyed } from '@ledgate/vault'
import { aboutUser, readUser } from '../user/index.ts'
import type { ClientState } from '../client/index.ts'
import { changeGrant, readGrant, readRefreshToken, revokeGrantToken, revokeServiceToken } from '../grant/index.ts'
import type { CommandContext, EventLog } from '../log/index.ts'
import { changeSession } from '../session/index.ts'
import type { DerivationKeys, SigningKeys } from '../signing-key/index.ts'
import { type Located, type Locators, readAccessToken } from '../token/index.ts'

export interface RevokeDependencies {
  readonly log: EventLog
  readonly signingKeys: Pick<SigningKeys, 'read'>
  readonly derivationKeys: Pick<DerivationKeys, 'read'>
  readonly locators: Pick<Locators, 'read'>
  readonly issuer: string
}

export interface Revocation {
  readonly token: string
  readonly client: ClientState
  readonly context: CommandContext
  /** Whole seconds since the epoch. */
  readonly now: number
}

/** @throws {InvalidRequest} when a genuine token was issued to another client: it is refused and told so, RFC 7009 §2.1. */
function assertOwn(issuedTo: string, { client_id }: ClientState): void {
  if (issuedTo !== client_id) throw new InvalidRequest('the token was issued to another client')
}

/** What ends a user's tokens is about that user: where it came from is sealed under their key, while there is one. */
const aboutPerson = async (log: EventLog, sub: string, context: CommandContext) =>
  aboutUser((await readUser(log, sub))?.state, context)

/** Any generation of the grant's refresh token ends the grant; the session a password grant opened ends with it. */
async function revokeGrant(
  { log, derivationKeys }: RevokeDependencies,
  { token, client, context }: Revocation,
): Promise<Position | undefined> {
  const read = readRefreshToken(await derivationKeys.read(), token)
  const found = read && (await readGrant(log, read.gid))
  if (found === undefined) return undefined
  const { gid, sid, sub, grant_type, client_id } = found.state
  assertOwn(client_id, client)
  const own = await aboutPerson(log, sub, context)
  const done = await changeGrant(log, gid, { type: 'Revoke', reason: 'revoked by the client' }, own)
  if (grant_type === 'password') await changeSession(log, sid, { type: 'End', reason: 'the grant was revoked' }, own)
  return done?.position
}

/** Where an access token is in the log: a signed one is verified, an encrypted one opens by its locator only. */
async function located(
  { signingKeys, locators, issuer }: RevokeDependencies,
  { token, now }: Revocation,
): Promise<Located | undefined> {
  const read = locators.read(token)
  return read === undefined
    ? readAccessToken(token, { issuer, keys: await signingKeys.read(), now })
    : read.exp > now
      ? read
      : undefined
}

async function revokeAccessToken(
  dependencies: RevokeDependencies,
  revocation: Revocation,
): Promise<Position | undefined> {
  const { log } = dependencies
  const { client, context } = revocation
  const token = await located(dependencies, revocation)
  if (token === undefined) return undefined
  assertOwn(token.client_id, client)
  if (token.gid === undefined) return (await revokeServiceToken(log, token, { context }))?.position
  const grant = await readGrant(log, token.gid)
  if (grant === undefined) return undefined
  const own = await aboutPerson(log, grant.state.sub, context)
  return (await revokeGrantToken(log, grant.state, token, own))?.position
}

/**
 * Ends a token of the client; what is not one, or has ended already, changes nothing. RFC 7009 §2.
 *
 * @returns the position of the event, if there was anything to end.
 * @throws {InvalidRequest} when it is another client's, which changes nothing either.
 */
export async function openRevoke(
  dependencies: RevokeDependencies,
  revocation: Revocation,
): Promise<Position | undefined> {
  const work = revocation.token.startsWith('r1.') ? revokeGrant : revokeAccessToken
  const end: typeof work = (...all) => runDecision(() => work(...all))
  try {
    return await end(dependencies, revocation)
  } catch (error) {
    if (!(error instanceof DataKeyDestroyed)) throw error
    return end(dependencies, revocation) // its user was erased meanwhile: read again, nothing is sealed any more
  }
}
