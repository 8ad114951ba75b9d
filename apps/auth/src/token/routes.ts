import { runDecision } from '@ledgate/eventsourcing'
import { InvalidRequest, UnsupportedGrantType } from '@ledgate/oauth'
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { ClientAuthentication } from '../client-authentication/index.ts'
import type { ClientState } from '../client/index.ts'
import type { RequestContext } from '../http/index.ts'
import { ANONYMOUS } from '../log/index.ts'
import { grantTypeOf } from './grant-types/index.ts'
import type { TokenAnswer, TokenDependencies } from './issuing.ts'

export interface TokenRoutesDependencies extends TokenDependencies {
  readonly authentication: Pick<ClientAuthentication, 'client'>
  readonly requests: RequestContext
}

const isConfidential = ({ metadata }: ClientState) => metadata.token_endpoint_auth_method !== 'none'

/** The token endpoint, RFC 6749 §3.2. */
export const tokenRoutes: FastifyPluginAsync<TokenRoutesDependencies> = async (app, dependencies) => {
  const { authentication, requests, clock, facts } = dependencies

  async function answer(request: FastifyRequest): Promise<TokenAnswer> {
    const now = clock.now()
    const issuerEpoch = await facts.issuerEpoch()
    const body = (request.body ?? {}) as Record<string, unknown>
    const context = requests.of(request, ANONYMOUS)
    const { grant_type: type } = body
    if (typeof type !== 'string') throw new InvalidRequest('grant_type is required')
    const client = await authentication.client({
      authorization: request.headers.authorization,
      body,
      endpoint: '/oauth2/token',
      context,
    })
    const grantType = grantTypeOf(type)
    if (grantType === undefined) throw new UnsupportedGrantType()
    // A backend that proved itself may speak for a user elsewhere; what proved nothing speaks from where it is.
    const source =
      isConfidential(client) && type !== 'client_credentials'
        ? requests.forwardedSource(request)
        : requests.source(request)
    // When the client used up an assertion, the grant is a decision of its own.
    return runDecision(() =>
      grantType.run(dependencies, {
        client,
        body,
        now,
        issuerEpoch,
        source,
        context: { ...context, source, actor: { type: 'client', id: client.client_id }, clientId: client.client_id },
      }),
    )
  }

  app.post(
    '/oauth2/token',
    { schema: { tags: ['oauth'], summary: 'Get, or renew, tokens (RFC 6749 §3.2)' } },
    async (request, reply) => {
      const { position, tokens } = await runDecision(() => answer(request))
      return reply
        .headers({ 'cache-control': 'no-store', pragma: 'no-cache', 'ledgate-position': position })
        .send(tokens)
    },
  )
}
