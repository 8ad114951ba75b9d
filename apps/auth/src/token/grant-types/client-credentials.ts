import { serviceClaims } from '../access-token.ts'
import {
  assertMayUse,
  issue,
  type TokenAnswer,
  type TokenDependencies,
  type TokenRequest,
  tokensOf,
} from '../issuing.ts'
import { lifetimesOf } from '../lifetimes.ts'
import { grantedScope, readResourceParameter } from '../scope.ts'
import { signed } from '../signing.ts'
import { assertFits } from '../size.ts'
import type { GrantTypeEntry } from './grant-type.ts'
import { serviceStream } from '../../grant/index.ts'

/** `service-<client_id>-<yyyymmdd>`: nothing in it is protected by a revision, so requests never wait for each other. */
const streamOf = (clientId: string, now: number) =>
  serviceStream.of(`${clientId}-${new Date(now * 1000).toISOString().slice(0, 10).replaceAll('-', '')}`)

async function run(
  { log, signingKeys, audiences, locators, facts, tokenCap }: TokenDependencies,
  { client, body, context, now, issuerEpoch }: TokenRequest,
): Promise<TokenAnswer> {
  assertMayUse('client_credentials', client)
  const scope = grantedScope(client, body['scope'])
  const [{ aud, encryption }, { signer }] = await Promise.all([
    audiences.resolve({ scope, resource: readResourceParameter(body['resource']) }),
    signingKeys.read(),
  ])
  const issued = issue({
    client_id: client.client_id,
    sub: client.client_id,
    scope: [...scope],
    aud: [...aud],
    iat: now,
    expires_in: lifetimesOf(client.metadata, tokenCap).accessToken,
    kid: signer.kid,
  })
  const claims = serviceClaims(facts, issued, { client_epoch: client.epoch, issuer_epoch: issuerEpoch })
  assertFits(claims, encryption)
  const position = await log.record(streamOf(client.client_id, now), { type: 'TokenIssued', data: issued }, { context })
  const jwt = await signed(issued, claims, { signer, locators, encryption })
  return { position, tokens: tokensOf(jwt, issued) }
}

/** A token for the client itself, RFC 6749 §4.4. No refresh token: the client can always ask again (§4.4.3). */
export const clientCredentials: GrantTypeEntry<'client_credentials'> = { type: 'client_credentials', amr: [], run }
