import { InsufficientScope, InvalidToken } from '@ledgate/oauth'
import type { FastifyRequest } from 'fastify'
import { type LiveToken, verdict, type VerdictDependencies } from './verdict.ts'

/** What a token has to be for. */
export interface Purpose {
  /** One of its audiences. */
  readonly audience: string
  readonly scope: string
  /** Whole seconds since the epoch. */
  readonly now: number
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
 * The access token of a request to one of our own resources: looked up in the log, so that one that was revoked a moment
 * ago is refused.
 *
 * @throws {InvalidToken | InsufficientScope} RFC 6750 §3.1.
 */
export async function presentedToken(
  dependencies: VerdictDependencies,
  request: FastifyRequest,
  { audience, scope, now }: Purpose,
): Promise<LiveToken['members']> {
  const token = await verdict(dependencies, tokenOf(request), now)
  if (token === undefined || token.kind !== 'access') throw new InvalidToken('it does not live')
  if (!token.aud.includes(audience)) throw new InvalidToken('it is for another resource')
  const { scope: granted } = token.members
  if (typeof granted !== 'string' || !granted.split(' ').includes(scope)) throw new InsufficientScope(scope)
  return token.members
}
