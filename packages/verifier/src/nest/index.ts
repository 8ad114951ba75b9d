/** Guards for NestJS, on Express or Fastify. */
import { type CanActivate, createParamDecorator, type ExecutionContext, HttpException } from '@nestjs/common'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request, Response } from 'express'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { VerifierError } from '../error/index.ts'
import { canAnswer, fromExpress, fromFastify, recheckAtEnd } from '../node-http/index.ts'
import type { Guard } from '../guard/index.ts'
import {
  type Answer,
  createAuthenticator,
  type AuthOptions,
  principalOf,
  type RequestVerifier,
} from '../request/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

type NestRequest = Request | FastifyRequest
type NestResponse = Response | FastifyReply

/** An HTTP request, and its response if that is known. */
interface Exchange {
  readonly request: NestRequest
  readonly response: NestResponse | undefined
}

/** The third argument of a GraphQL resolver is the context of its module, which has the HTTP request as `req`. */
const GRAPHQL_CONTEXT = 2

/** The HTTP exchange of a call; handlers of gateways and microservices have none. */
function exchangeOf(context: ExecutionContext): Exchange | undefined {
  const http = context.switchToHttp()
  if (context.getType<string>() === 'http') return { request: http.getRequest(), response: http.getResponse() }
  if (context.getType<string>() !== 'graphql') return undefined
  const made = context.getArgByIndex<{ readonly req?: NestRequest; readonly res?: NestResponse } | undefined>(
    GRAPHQL_CONTEXT,
  )
  const request = made?.req
  return request !== undefined && 'rawHeaders' in incoming(request) ? { request, response: made?.res } : undefined
}

const incoming = (request: NestRequest): IncomingMessage => ('raw' in request ? request.raw : request)
const outgoing = (response: NestResponse): ServerResponse => ('raw' in response ? response.raw : response)

export interface NestAuth {
  /**
   * For `@UseGuards(...)` on a route, a GraphQL resolver (whose `context` has the request as `req`) or a controller,
   * `app.useGlobalGuards(...)`, or a provider of `APP_GUARD`. Calls that do not come over HTTP, such as messages of a gateway, are
   * refused.
   */
  require(guard?: Guard): CanActivate
}

/** The exception that Nest answers with. It sets the headers of the response first. */
function exceptionOf({ status, headers, content }: Answer, response: NestResponse | undefined): HttpException {
  if (response !== undefined && canAnswer(outgoing(response)))
    for (const [name, value] of Object.entries(headers)) response.header(name, value)
  return new HttpException(content, status)
}

/**
 * Guards for routes of Nest; `@CurrentPrincipal()` gives the principal.
 *
 * @example
 * ```ts
 * import { createVerifier, guard } from '@ledgate/verifier'
 * import { nestAuth } from '@ledgate/verifier/nest'
 *
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', revocations: false })
 * // For `@UseGuards(mayRead)`.
 * export const mayRead = nestAuth(verifier).require(guard.scopes('orders:read'))
 * ```
 */
export function nestAuth(verifier: RequestVerifier, options?: AuthOptions): NestAuth {
  const authenticate = createAuthenticator(verifier, options)
  return {
    require: (guard) => ({
      async canActivate(context: ExecutionContext) {
        const exchange = exchangeOf(context)
        if (exchange === undefined) {
          options?.onRefused?.(new VerifierError('missing_token', { detail: 'not an HTTP request' }), context)
          // Nest then throws the exception of the transport: a WsException or an RpcException.
          return false
        }
        const { request, response } = exchange
        const http = 'raw' in request ? fromFastify(request) : fromExpress(request)
        const outcome = await authenticate(http, request, guard)
        if (outcome.answer) throw exceptionOf(outcome.answer, response)
        if (response !== undefined) recheckAtEnd(incoming(request), outgoing(response), outcome.recheck)
        return true
      },
    }),
  }
}

/**
 * A parameter decorator for the principal of a guarded route.
 *
 * @example
 * ```ts
 * import type { Principal } from '@ledgate/verifier'
 * import { CurrentPrincipal } from '@ledgate/verifier/nest'
 *
 * export class OrdersController {
 *   list(principal: Principal): string {
 *     return `the orders of ${principal.sub}`
 *   }
 * }
 * // The same as `list(@CurrentPrincipal() principal: Principal)`.
 * CurrentPrincipal()(OrdersController.prototype, 'list', 0)
 * ```
 */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principalOf(exchangeOf(context)?.request ?? context),
)
