/** Guards for Hono, on every runtime that it has and this package runs on. */
import type { Context, MiddlewareHandler } from 'hono'
import type { Guard } from '../guard/index.ts'
import {
  type Answer,
  authenticating,
  type AuthOptions,
  type HttpRequest,
  type Recheck,
  type RequestVerifier,
} from '../request/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

export interface HonoAuth {
  /** For a route, or for `app.use`. Before what reads the body: its end passes only if the token is good then. */
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

const responseOf = ({ status, headers, body }: Answer): Response => new Response(body, { status, headers })

/** The same request, whose body comes to its end if its token is good then, and fails otherwise. */
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

/** Guards for Hono; `principalOf(context)` says who asks. */
export function honoAuth(verifier: RequestVerifier, options?: AuthOptions): HonoAuth {
  const authenticate = authenticating(verifier, options)
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
      // Headers of what it takes the place of would be kept.
      context.res = undefined
      context.res = responseOf(refused)
      return undefined
    },
  }
}
