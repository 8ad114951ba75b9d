/** Guards for Hono. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Guard } from '../guard/index.ts'
import {
  type Answer,
  createAuthenticator,
  type AuthOptions,
  type HttpRequest,
  type Recheck,
  type RequestVerifier,
} from '../request/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

export interface HonoAuth {
  /** For a route, or for `app.use`. Use it before the body is read: the token is checked again when the body ends. */
  require(guard?: Guard): MiddlewareHandler
}

/** A request of Hono. Its Host header may be missing, and is in its URL then. */
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

const responseOf = ({ status, headers, body }: Answer): Response => new Response(body, { status, headers })

/** The same request, whose body ends if its token is still valid then, and fails otherwise. */
function recheckedAtEnd(
  request: Request,
  body: ReadableStream<Uint8Array>,
  recheck: Recheck,
  refuse: (answer: Answer) => void,
): Request {
  const atEnd = new TransformStream<Uint8Array, Uint8Array>({
    async flush(controller) {
      const refusal = await recheck()
      if (refusal === undefined) return
      refuse(refusal.answer)
      controller.error(refusal.error)
    },
  })
  return new Request(request, { body: body.pipeThrough(atEnd), duplex: 'half' })
}

/**
 * Guards for Hono; `principalOf(context)` gives the principal.
 *
 * @example
 * ```ts
 * import { createVerifier, guard } from '@ledgate/verifier'
 * import { honoAuth, principalOf } from '@ledgate/verifier/hono'
 * import { Hono } from 'hono'
 *
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', revocations: false })
 * const auth = honoAuth(verifier)
 * export const app = new Hono()
 * app.get('/orders', auth.require(guard.scopes('orders:read')), (context) => context.text(principalOf(context).sub))
 * ```
 */
export function honoAuth(verifier: RequestVerifier, options?: AuthOptions): HonoAuth {
  const authenticate = createAuthenticator(verifier, options)
  return {
    require: (guard) => async (context, next) => {
      const outcome = await authenticate(fromHono(context), context, guard)
      if (outcome.answer) return responseOf(outcome.answer)
      const { raw } = context.req
      if (raw.body === null) return next()
      let refused: Answer | undefined
      context.req.raw = recheckedAtEnd(raw, raw.body, outcome.recheck, (answer) => (refused = answer))
      await next()
      if (refused === undefined) return undefined
      // Without this, Hono would keep headers of the response that is replaced.
      context.res = undefined
      context.res = responseOf(refused)
      return undefined
    },
  }
}
