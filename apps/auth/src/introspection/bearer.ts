import { runDecision } from '@ledgate/eventsourcing'
import { InsufficientScope, InvalidToken } from '@ledgate/oauth'
import type { FastifyRequest } from 'fastify'
import type { Authority, Clock } from '../log/index.ts'
import { type LiveToken, verdict, type VerdictDependencies } from './verdict.ts'

/** What a token has to be for. */
export interface Purpose {
  /** One of its audiences. */
  readonly audience: string
  readonly scope: string
}

export interface BearerDependencies extends VerdictDependencies {
  readonly clock: Clock
}

/** The right that an access token gives. */
export interface Bearer extends Authority {
  /** The token itself, and what it says. */
  readonly text: string
  readonly members: LiveToken['members']
  /**
   * Runs a command by this right, which is in its context. What the command appended asked for it; when it appended nothing, as
   * one that only reads, it is asked for behind it.
   */
  decide<Result>(command: () => Promise<Result>): Promise<Result>
}

const BEARER = /^Bearer +([\w.~+/-]+=*)$/i

/** The token of the `Authorization` header, RFC 6750 §2.1. @throws {InvalidToken} */
function tokenOf({ headers: { authorization } }: FastifyRequest): string {
  if (authorization === undefined) throw new InvalidToken('no access token', { isMissing: true })
  const [, token] = BEARER.exec(authorization) ?? []
  if (token === undefined) throw new InvalidToken('the Authorization header holds no bearer token')
  return token
}

/**
 * A right that `check` looks up, anew each time.
 *
 * @throws what `check` throws.
 */
export async function bearerOf(text: string, check: () => Promise<LiveToken['members']>): Promise<Bearer> {
  const members = await runDecision(check)
  let asked = 0
  async function establish(): Promise<void> {
    asked += 1
    await check()
  }
  return {
    text,
    members,
    establish,
    async decide(command) {
      return runDecision(async () => {
        const before = asked
        const result = await command()
        if (asked === before) await establish()
        return result
      })
    },
  }
}

/**
 * The access token of a request to one of our own resources: looked up in the log, so that one that was revoked a moment
 * ago is refused, and looked up again whenever its right is asked for.
 *
 * @param more what else has to be true; each time.
 * @throws {InvalidToken | InsufficientScope} RFC 6750 §3.1.
 */
export async function presentedToken(
  dependencies: BearerDependencies,
  request: FastifyRequest,
  { audience, scope }: Purpose,
  more: (members: LiveToken['members']) => Promise<void> = async () => {},
): Promise<Bearer> {
  const text = tokenOf(request)
  return bearerOf(text, async () => {
    const token = await verdict(dependencies, text, dependencies.clock.now())
    if (token === undefined || token.kind !== 'access') throw new InvalidToken('token expired or revoked')
    if (!token.aud.includes(audience)) throw new InvalidToken('the token is for another resource')
    const { scope: granted } = token.members
    if (typeof granted !== 'string' || !granted.split(' ').includes(scope)) throw new InsufficientScope(scope)
    await more(token.members)
    return token.members
  })
}
