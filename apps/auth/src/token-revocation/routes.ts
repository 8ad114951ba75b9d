import { setImmediate as turn } from 'node:timers/promises'
import { InvalidRequest } from '@ledgate/oauth'
import type { FastifyPluginAsync } from 'fastify'
import type { ClientAuthentication } from '../client-authentication/index.ts'
import { runDecision, type Position } from '@ledgate/eventsourcing'
import { preferredWait, type RequestContext } from '../http/index.ts'
import { ANONYMOUS, type Clock } from '../log/index.ts'
import { openRevoke, type RevokeDependencies } from './revoke.ts'

export interface RevocationDependencies extends RevokeDependencies {
  readonly authentication: Pick<ClientAuthentication, 'client'>
  readonly requests: RequestContext
  readonly clock: Clock
  /** Whether everything up to a place, or up to now, is published within so many milliseconds. */
  published(position: Position | undefined, ms: number): Promise<boolean>
}

/**
 * The revocation endpoint, RFC 7009 §2: 200 once the token is dead, also when there was none. With `Prefer: wait=N` (RFC 7240
 * §4.3) not before it is published, if that happens in time; `Preference-Applied` says that it did.
 */
export const revocationRoutes: FastifyPluginAsync<RevocationDependencies> = async (app, dependencies) => {
  const { authentication, requests, clock, published } = dependencies

  app.post(
    '/oauth2/revoke',
    { schema: { tags: ['oauth'], summary: 'End a token (RFC 7009)' } },
    async (request, reply) => {
      const body = (request.body ?? {}) as Record<string, unknown>
      const anonymous = requests.of(request, ANONYMOUS)
      const position = await runDecision(async () => {
        const client = await authentication.client({
          authorization: request.headers.authorization,
          body,
          endpoint: '/oauth2/revoke',
          context: anonymous,
        })
        const { token } = body
        if (typeof token !== 'string') throw new InvalidRequest('token is required')
        const context = {
          ...anonymous,
          actor: { type: 'client', id: client.client_id } as const,
          clientId: client.client_id,
        }
        return openRevoke(dependencies, { token, client, context, now: clock.now() })
      })
      // Lets the notice go off to the topic: what is left to do for that is less than what an answer takes.
      await turn()
      const wait = preferredWait(request.headers['prefer'])
      const isPublished =
        wait !== undefined &&
        (await published(position, wait * 1000).catch((error: unknown) => {
          request.log.warn({ err: error }, 'publication of a revocation could not be confirmed')
          return false
        }))
      return reply
        .code(200)
        .headers({
          'cache-control': 'no-store',
          ...(position !== undefined && { 'ledgate-position': position }),
          ...(isPublished && { 'preference-applied': `wait=${wait}` }),
        })
        .send()
    },
  )
}
