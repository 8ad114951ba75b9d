import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import type { SigningKeys } from './signing-keys.ts'

type KeySet = Pick<SigningKeys, 'read' | 'maxAge'>

/** Public keys at a path, RFC 7517 §5: cached by others for as long as a key is published before it is used. */
export function keySetRoute(
  app: FastifyInstance,
  path: string,
  { keys, summary }: { readonly keys: KeySet; readonly summary: string },
): void {
  app.get(path, { schema: { tags: ['discovery'], summary } }, async (_request, reply) =>
    reply
      .headers({ 'cache-control': `public, max-age=${keys.maxAge}`, 'content-type': 'application/jwk-set+json' })
      .send(JSON.stringify((await keys.read()).jwks)),
  )
}

/** The public keys at `/oauth2/jwks`. */
export const jwksRoutes: FastifyPluginAsync<{ signingKeys: KeySet }> = async (app, { signingKeys }) =>
  keySetRoute(app, '/oauth2/jwks', { keys: signingKeys, summary: 'The keys that check our tokens (RFC 7517)' })
