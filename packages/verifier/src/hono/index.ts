/** Guards for Hono, on every runtime that it has and this package runs on. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Guard } from '../guard.ts'
import { authenticating, type AuthOptions, type HttpRequest, type RequestVerifier } from '../http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../http/index.ts'

export interface HonoAuth {
  /** For a route, or for `app.use`. */
  require(guard?: Guard): MiddlewareHandler
}

/** A request of Hono: its Host header is in its URL already, and may be missing. */
function fromHono(context: Context): HttpRequest {
  const { raw } = context.req
  const url = new URL(raw.url)
  return {
    method: raw.method,
    target: url.pathname + url.search,
    isEncrypted: url.protocol === 'https:',
    header(name) {
      const value = raw.headers.get(name) ?? (name === 'host' ? url.host : null)
      return value === null ? [] : [value]
    },
    params: context.req.param(),
    raw: context,
  }
}

/** Guards for Hono; `principalOf(context)` says who asks. */
export function honoAuth(verifier: RequestVerifier, options?: AuthOptions): HonoAuth {
  const authenticate = authenticating(verifier, options)
  return {
    require: (guard) => async (context, next) => {
      const { answer } = await authenticate(fromHono(context), context, guard)
      if (answer) return new Response(answer.body, { status: answer.status, headers: answer.headers })
      return next()
    },
  }
}
