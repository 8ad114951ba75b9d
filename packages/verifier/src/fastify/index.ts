/** Guards for Fastify. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Guard } from '../guard/index.ts'
import { type Answer, authenticating, type AuthOptions, type Recheck, type RequestVerifier } from '../request/index.ts'
import { fromFastify, recheckAtEnd } from '../node-http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

/** A hook of Fastify that answers who is not let through. */
export type FastifyGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>

export interface FastifyAuth {
  /**
   * For a route, as `onRequest` (before the body is read, whose end then passes only if the token is good still) or `preHandler` (when
   * the guard looks at the body). As both, where other hooks take long: the second looks again, and spends no proof.
   */
  require(guard?: Guard): FastifyGuard
  /** For `register`: guards every route that is added after it beside it, before the body and once more right before its handler. */
  plugin(guard?: Guard): FastifyPluginAsync
}

/** Guards for routes of Fastify; `principalOf(request)` says who asks. */
export function fastifyAuth(verifier: RequestVerifier, options?: AuthOptions): FastifyAuth {
  const authenticate = authenticating(verifier, options)
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
      // Otherwise the hook would be for routes inside of the plugin only, and there are none.
      return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
    },
  }
}
