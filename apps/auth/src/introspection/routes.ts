import { runDecision } from '@ledgate/eventsourcing'
import { InvalidRequest, isSameResource } from '@ledgate/oauth'
import type { FastifyPluginAsync } from 'fastify'
import type { ClientAuthentication } from '../client-authentication/index.ts'
import type { RequestContext } from '../http/index.ts'
import { ANONYMOUS, type Clock } from '../log/index.ts'
import { type LiveToken, verdict, type VerdictDependencies } from './verdict.ts'

export interface IntrospectionDependencies extends VerdictDependencies {
  readonly authentication: Pick<ClientAuthentication, 'clientOrResource'>
  readonly requests: RequestContext
  readonly clock: Clock
}

type Caller = Awaited<ReturnType<ClientAuthentication['clientOrResource']>>

/** A resource server hears of the access tokens meant for it, a client of its own tokens; of others nothing, RFC 7662 §4. */
function mayKnow(caller: Caller, token: LiveToken): boolean {
  if (caller.kind === 'client') return token.client_id === caller.client.client_id
  const { resource } = caller.resource.metadata
  return token.kind === 'access' && token.aud.some((each) => isSameResource(each, resource))
}

/** The introspection endpoint, RFC 7662 §2. */
export const introspectionRoutes: FastifyPluginAsync<IntrospectionDependencies> = async (app, dependencies) => {
  const { authentication, requests, clock } = dependencies

  app.post(
    '/oauth2/introspect',
    { schema: { tags: ['oauth'], summary: 'Ask whether a token lives (RFC 7662)' } },
    async (request, reply) => {
      const body = (request.body ?? {}) as Record<string, unknown>
      const context = requests.of(request, ANONYMOUS)
      const token = await runDecision(async () => {
        const caller = await authentication.clientOrResource({
          authorization: request.headers.authorization,
          body,
          endpoint: '/oauth2/introspect',
          context,
        })
        const { token: text } = body
        if (typeof text !== 'string') throw new InvalidRequest('token is required')
        const found = await verdict(dependencies, text, clock.now())
        return found !== undefined && mayKnow(caller, found) ? found : undefined
      })
      const answer = token === undefined ? { active: false } : { active: true, ...token.members }
      return reply.header('cache-control', 'no-store').send(answer)
    },
  )
}
