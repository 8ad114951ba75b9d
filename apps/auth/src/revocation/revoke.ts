import { Conflict } from '@ledgate/eventsourcing'
import { readUser } from '../account/index.ts'
import type { ClientState } from '../client/index.ts'
import { changeGrant, readGrant, readRefreshToken } from '../grant/index.ts'
import type { CommandContext, EventLog } from '../log/index.ts'
import { changeSession } from '../session/index.ts'
import type { DerivationKeys, SigningKeys } from '../signing-key/index.ts'
import { type Located, type Locators, readAccessToken } from '../token/index.ts'

export interface RevokeDependencies {
  readonly log: EventLog
  readonly signingKeys: Pick<SigningKeys, 'publicKey'>
  readonly derivationKeys: Pick<DerivationKeys, 'derive'>
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

/** What ends a person's tokens is about that person: where it came from is sealed under their key, while there is one. */
async function aboutPerson(log: EventLog, sub: string, { source, ...context }: CommandContext) {
  const user = (await readUser(log, sub))?.state
  return user === undefined || user.erased ? { context } : { context: { ...context, source }, dataKey: user.data_key }
}

/** Any generation of the grant's refresh token ends the grant; the session a password grant opened ends with it. */
async function revokeGrant(
  { log, derivationKeys }: RevokeDependencies,
  { token, client, context }: Revocation,
): Promise<string | undefined> {
  const read = readRefreshToken(derivationKeys, token)
  const found = read && (await readGrant(log, read.gid))
  if (found === undefined || found.state.client_id !== client.client_id) return undefined
  const { gid, sid, sub, grant_type } = found.state
  const own = await aboutPerson(log, sub, context)
  const done = await changeGrant(log, gid, { type: 'Revoke', reason: 'revoked by the client' }, own)
  if (grant_type === 'password') await changeSession(log, sid, { type: 'End', reason: 'the grant was revoked' }, own)
  return done?.position
}

/** The first event of the token's own stream: revoking twice is one event. */
async function revokeServiceToken(
  log: EventLog,
  { jti, client_id, exp }: Located,
  context: CommandContext,
): Promise<string | undefined> {
  const revoked = { type: 'ServiceTokenRevoked', data: { jti, client_id, exp } } as const
  try {
    return (await log.append(`service-${client_id}-${jti}`, [revoked], { expected: 'noStream', context })).position
  } catch (error) {
    if (error instanceof Conflict) return undefined
    throw error
  }
}

/** Where an access token is in the log: a signed one is verified, an encrypted one opens by its locator only. */
function located(
  { signingKeys, locators, issuer }: RevokeDependencies,
  { token, now }: Revocation,
): Located | undefined {
  const read = locators.read(token)
  return read === undefined
    ? readAccessToken(token, { issuer, keys: signingKeys, now })
    : read.exp > now
      ? read
      : undefined
}

async function revokeAccessToken(
  dependencies: RevokeDependencies,
  revocation: Revocation,
): Promise<string | undefined> {
  const { log } = dependencies
  const { client, context, now } = revocation
  const token = located(dependencies, revocation)
  if (token === undefined || token.client_id !== client.client_id) return undefined
  const { gid, jti, exp } = token
  if (gid === undefined) return revokeServiceToken(log, token, context)
  const grant = await readGrant(log, gid)
  if (grant === undefined) return undefined
  const own = await aboutPerson(log, grant.state.sub, context)
  const done = await changeGrant(log, gid, { type: 'RevokeToken', jti, exp, now }, own)
  return done?.position
}

/**
 * Ends a token of the client; what is not one, or is not the client's, or has ended already, changes nothing. RFC 7009 §2.
 *
 * @returns the position of the event, if there was anything to end.
 */
export const revoke = (dependencies: RevokeDependencies, revocation: Revocation): Promise<string | undefined> =>
  revocation.token.startsWith('r1.')
    ? revokeGrant(dependencies, revocation)
    : revokeAccessToken(dependencies, revocation)
