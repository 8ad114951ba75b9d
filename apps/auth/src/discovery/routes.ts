import type { FastifyPluginAsync } from 'fastify'
import { authorizationServerMetadata } from './metadata.ts'

export interface DiscoveryDependencies {
  readonly issuer: string
  /** The grant types of the token endpoint, by their registered names. */
  readonly grantTypes: readonly string[]
  /** The scopes that some resource server owns, now. */
  scopes(): readonly string[]
}

/** In seconds. Clients read it rarely; a new scope may take this long to be seen. */
const MAX_AGE = 60

/** Metadata at the well-known address of RFC 8414 §3. */
export const discoveryRoutes: FastifyPluginAsync<DiscoveryDependencies> = async (app, { scopes, ...facts }) => {
  app.get(
    '/.well-known/oauth-authorization-server',
    { schema: { tags: ['discovery'], summary: 'Authorization server metadata (RFC 8414)' } },
    (_request, reply) =>
      reply
        .header('cache-control', `public, max-age=${MAX_AGE}`)
        .send(authorizationServerMetadata({ ...facts, scopes: scopes() })),
  )
}
