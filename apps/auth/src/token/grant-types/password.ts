import { InvalidGrant, InvalidRequest } from '@ledgate/oauth'
import { unlessErased } from '../../user/index.ts'
import { assertMayUse, type TokenAnswer, type TokenDependencies, type TokenRequest } from '../issuing.ts'
import { openGrant } from '../opening.ts'
import { grantedScope, readResourceParameter } from '../scope.ts'
import type { GrantTypeEntry } from './grant-type.ts'

function credentials(body: Readonly<Record<string, unknown>>): { username: string; password: string } {
  const { username, password } = body
  if (typeof username !== 'string' || typeof password !== 'string')
    throw new InvalidRequest('username and password are required')
  return { username, password }
}

async function run(dependencies: TokenDependencies, request: TokenRequest): Promise<TokenAnswer> {
  const { client, body, context, source, now, issuerEpoch } = request
  assertMayUse('password', client)
  const scope = grantedScope(client, body['scope'])
  const audience = await dependencies.audiences.resolve({ scope, resource: readResourceParameter(body['resource']) })
  const user = await dependencies.signIn.signIn({ ...credentials(body), source, context })
  const { type: grantType, amr } = password
  const opening = { grantType, amr, client, context, now, issuerEpoch, user, scope, ...audience }
  return unlessErased(
    (cause) => new InvalidGrant('the user was erased meanwhile', { cause }),
    () => openGrant(dependencies, opening),
  )
}

/** A user's own password and a client's own credentials, validated together. RFC 6749 §4.3. */
export const password: GrantTypeEntry<'password'> = { type: 'password', amr: ['pwd'], run }
