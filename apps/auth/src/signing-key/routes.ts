import type { FastifyPluginAsync } from 'fastify'
import type { SigningKeys } from './signing-keys.ts'

/** The public keys at `/oauth2/jwks`, RFC 7517 §5. */
export const jwksRoutes: FastifyPluginAsync<{ signingKeys: Pick<SigningKeys, 'jwks' | 'maxAge'> }> = async (
  app,
  { signingKeys },
) => {
  app.get(
    '/oauth2/jwks',
    { schema: { tags: ['discovery'], summary: 'The keys that check our tokens (RFC 7517)' } },
    (_request, reply) =>
      reply
        .headers({
          'cache-control': `public, max-age=${signingKeys.maxAge}`,
          'content-type': 'application/jwk-set+json',
        })
        .send(JSON.stringify(signingKeys.jwks())),
  )
}
