import { InvalidRequest } from '@ledgate/oauth'
import type { FastifyPluginAsync } from 'fastify'
import type { ClientAuthentication } from '../client/index.ts'
import type { RequestContext } from '../http/index.ts'
import type { Clock } from '../log/index.ts'
import { revoke, type RevokeDependencies } from './revoke.ts'

export interface RevocationDependencies extends RevokeDependencies {
  readonly authentication: Pick<ClientAuthentication, 'client'>
  readonly requests: RequestContext
  readonly clock: Clock
}

/** The revocation endpoint, RFC 7009 §2: 200 once the token is dead, also when there was none. */
export const revocationRoutes: FastifyPluginAsync<RevocationDependencies> = async (app, dependencies) => {
  const { authentication, requests, clock } = dependencies

  app.post(
    '/oauth2/revoke',
    { schema: { tags: ['oauth'], summary: 'End a token (RFC 7009)' } },
    async (request, reply) => {
      const body = (request.body ?? {}) as Record<string, unknown>
      const anonymous = requests.of(request, { type: 'anonymous', id: '' })
      const client = await authentication.client({
        authorization: request.headers.authorization,
        body,
        context: anonymous,
      })
      const { token } = body
      if (typeof token !== 'string') throw new InvalidRequest('token is required')
      const context = {
        ...anonymous,
        actor: { type: 'client', id: client.client_id } as const,
        clientId: client.client_id,
      }
      const position = await revoke(dependencies, { token, client, context, now: clock.now() })
      return reply
        .code(200)
        .headers({ 'cache-control': 'no-store', ...(position !== undefined && { 'ledgate-position': position }) })
        .send()
    },
  )
}
