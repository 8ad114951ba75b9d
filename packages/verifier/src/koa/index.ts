/** Guards for Koa. */
import type { Context, Middleware } from 'koa'
import type { Guard } from '../guard/index.ts'
import { createAuthenticator, type AuthOptions, type HttpRequest, type RequestVerifier } from '../request/index.ts'
import { canAnswer, fromNode, recheckAtEnd } from '../node-http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

export interface KoaAuth {
  /**
   * For a route of a router, or for everything that is used after it. Use it before the body is read: the token is checked again when
   * the body ends.
   */
  require(guard?: Guard): Middleware
}

/** A request of Koa; its `protocol` respects `app.proxy`. */
const fromKoa = (context: Context): HttpRequest => ({
  ...fromNode(context.req),
  target: context.originalUrl,
  isEncrypted: context.protocol === 'https',
  body: 'body' in context.request ? context.request.body : undefined,
  params: context['params'],
  raw: context,
})

/**
 * Guards for Koa; `principalOf(context)` gives the principal.
 *
 * @example
 * ```ts
 * import { createVerifier, guard } from '@ledgate/verifier'
 * import { koaAuth, principalOf } from '@ledgate/verifier/koa'
 * import Koa from 'koa'
 *
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', revocations: false })
 * const auth = koaAuth(verifier)
 * export const app = new Koa()
 * app.use(auth.require(guard.scopes('orders:read'))).use((context) => {
 *   context.body = principalOf(context).sub
 * })
 * ```
 */
export function koaAuth(verifier: RequestVerifier, options?: AuthOptions): KoaAuth {
  const authenticate = createAuthenticator(verifier, options)
  return {
    require: (guard) => async (context, next) => {
      const outcome = await authenticate(fromKoa(context), context, guard)
      if (outcome.answer === undefined) {
        recheckAtEnd(context.req, context.res, outcome.recheck)
        return next()
      }
      const { status, headers, body } = outcome.answer
      if (!canAnswer(context.res)) return
      context.status = status
      context.set(headers)
      context.body = body
    },
  }
}
