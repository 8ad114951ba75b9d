/** Guards for Fastify. */
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import type { Guard } from '../guard.ts'
import { authenticating, type AuthOptions, type RequestVerifier } from '../http/index.ts'
import { fromFastify } from './request.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../http/index.ts'

/** A hook of Fastify that answers who is not let through. */
export type FastifyGuard = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined>

export interface FastifyAuth {
  /** For a route, as `onRequest` (before the body is read) or `preHandler` (when the guard looks at the body). */
  require(guard?: Guard): FastifyGuard
  /** For `register`: guards every route that is added after it beside it. */
  plugin(guard?: Guard): FastifyPluginAsync
}

/** Guards for routes of Fastify; `principalOf(request)` says who asks. */
export function fastifyAuth(verifier: RequestVerifier, options?: AuthOptions): FastifyAuth {
  const authenticate = authenticating(verifier, options)
  const require = (guard?: Guard): FastifyGuard => {
    return async (request, reply) => {
      const { answer } = await authenticate(fromFastify(request), request, guard)
      return answer && reply.code(answer.status).headers(answer.headers).send(answer.body)
    }
  }
  return {
    require,
    plugin(guard) {
      const plugin: FastifyPluginAsync = async (app) => void app.addHook('onRequest', require(guard))
      // Otherwise the hook would be for routes inside of the plugin only, and there are none.
      return Object.assign(plugin, { [Symbol.for('skip-override')]: true })
    },
  }
}
