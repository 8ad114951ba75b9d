/** Guards for Fastify. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Guard } from '../guard/index.ts'
import {
  type Answer,
  createAuthenticator,
  type AuthOptions,
  type Recheck,
  type RequestVerifier,
} from '../request/index.ts'
import { fromFastify, recheckAtEnd } from '../node-http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

/** A Fastify hook that refuses requests without a valid token. */
export type FastifyGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>

export interface FastifyAuth {
  /**
   * For a route, as `onRequest` (before the body is read; the token is checked again when it ends) or `preHandler` (if the guard uses
   * the body). As both if other hooks are slow: the second checks again and uses no proof.
   */
  require(guard?: Guard): FastifyGuard
  /** For `register`: guards every route that is added after it in the same scope, before the body is read and right before the handler. */
  plugin(guard?: Guard): FastifyPluginAsync
}

/**
 * Guards for routes of Fastify; `principalOf(request)` gives the principal.
 *
 * @example
 * ```ts
 * import { createVerifier, guard } from '@ledgate/verifier'
 * import { fastifyAuth, principalOf } from '@ledgate/verifier/fastify'
 * import fastify from 'fastify'
 *
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', revocations: false })
 * const auth = fastifyAuth(verifier)
 * export const app = fastify()
 * app.get('/orders', { onRequest: auth.require(guard.scopes('orders:read')) }, async (request) => principalOf(request).sub)
 * ```
 */
export function fastifyAuth(verifier: RequestVerifier, options?: AuthOptions): FastifyAuth {
  const authenticate = createAuthenticator(verifier, options)
  const rechecks = new WeakMap<FastifyRequest, Recheck>()
  const answering =
    (reply: FastifyReply) =>
    ({ status, headers, body }: Answer): FastifyReply =>
      reply.sent || reply.raw.headersSent ? reply : reply.code(status).headers(headers).send(body)

  const require = (guard?: Guard): FastifyGuard => {
    return async (request, reply) => {
      const outcome = await authenticate(fromFastify(request), request, guard)
      const answer = answering(reply)
      if (outcome.answer) return answer(outcome.answer)
      rechecks.set(request, outcome.recheck)
      recheckAtEnd(request.raw, reply.raw, outcome.recheck, answer)
      return undefined
    }
  }
  return {
    require,
    plugin(guard) {
      const plugin: FastifyPluginAsync = async (app) => {
        app.addHook('onRequest', require(guard))
        app.addHook('preHandler', async (request, reply) => {
          const refusal = await rechecks.get(request)?.()
          return refusal && answering(reply)(refusal.answer)
        })
      }
      // Otherwise the hooks would only apply to routes inside the plugin, and there are none.
      return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
    },
  }
}
