/** Guards for Koa. */
import type { Context, Middleware } from 'koa'
import type { Guard } from '../guard.ts'
import { authenticating, type AuthOptions, type HttpRequest, type RequestVerifier } from '../http/index.ts'
import { fromNode } from '../node/request.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../http/index.ts'

export interface KoaAuth {
  /** For a route of a router, or for everything that is used after it. */
  require(guard?: Guard): Middleware
}

/** A request of Koa; its `protocol` minds `app.proxy`. */
const fromKoa = (context: Context): HttpRequest => ({
  ...fromNode(context.req),
  target: context.originalUrl,
  isEncrypted: context.protocol === 'https',
  body: 'body' in context.request ? context.request.body : undefined,
  params: context['params'],
  raw: context,
})

/** Guards for Koa; `principalOf(context)` says who asks. */
export function koaAuth(verifier: RequestVerifier, options?: AuthOptions): KoaAuth {
  const authenticate = authenticating(verifier, options)
  return {
    require: (guard) => async (context, next) => {
      const { answer } = await authenticate(fromKoa(context), context, guard)
      if (answer === undefined) return next()
      context.status = answer.status
      context.set(answer.headers)
      context.body = answer.body
    },
  }
}
