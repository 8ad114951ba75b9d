import { AccessDenied, InsufficientScope, InvalidToken } from '@ledgate/oauth'
import type { FastifyRequest } from 'fastify'
import { readUser } from '../account/index.ts'
import type { Administrators } from '../administrator/index.ts'
import { verdict, type VerdictDependencies } from '../introspection/index.ts'
import type { Clock } from '../log/index.ts'
import { audienceOf } from './operations.ts'

export interface BearerDependencies extends VerdictDependencies {
  readonly administrators: Pick<Administrators, 'includes'>
  readonly clock: Clock
}

/** Who administers, by which client. */
export interface Administrator {
  readonly sub: string
  readonly clientId: string
  /** Their data key: where their calls come from is sealed under it. */
  readonly dataKey: string
}

const BEARER = /^Bearer +([\w.~+/-]+=*)$/i

/** The token of the `Authorization` header, RFC 6750 §2.1. @throws {InvalidToken} */
function tokenOf({ headers: { authorization } }: FastifyRequest): string {
  if (authorization === undefined) throw new InvalidToken('there is none', { isMissing: true })
  const [, token] = BEARER.exec(authorization) ?? []
  if (token === undefined) throw new InvalidToken('the Authorization header is no bearer token')
  return token
}

/**
 * The administrator behind a request. The token is looked up in the log like every other, and so is whether the person may
 * administer: whoever was disabled or demoted a moment ago is out.
 *
 * @throws {InvalidToken | InsufficientScope | AccessDenied}
 */
export async function authorize(
  dependencies: BearerDependencies,
  request: FastifyRequest,
  scope: string,
): Promise<Administrator> {
  const { log, issuer, administrators, clock } = dependencies
  const token = await verdict(dependencies, tokenOf(request), clock.now())
  if (token === undefined || token.kind !== 'access') throw new InvalidToken('it does not live')
  if (!token.aud.includes(audienceOf(issuer))) throw new InvalidToken('it is for another resource')
  const { sub, scope: granted = '' } = token.members as { readonly sub: string; readonly scope?: string }
  if (!granted.split(' ').includes(scope)) throw new InsufficientScope(scope)
  const person = await readUser(log, sub)
  if (person === undefined || !(await administrators.includes(sub)))
    throw new AccessDenied(`${sub} is not an administrator`)
  return { sub, clientId: token.client_id, dataKey: person.state.data_key }
}
