/** Guards for NestJS, on Express or Fastify. */
import { type CanActivate, createParamDecorator, type ExecutionContext, HttpException } from '@nestjs/common'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request, Response } from 'express'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { VerifierError } from '../error/index.ts'
import { canAnswer, fromExpress, fromFastify, recheckAtEnd } from '../node-http/index.ts'
import type { Guard } from '../guard/index.ts'
import { type Answer, authenticating, type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

type NestRequest = Request | FastifyRequest
type NestResponse = Response | FastifyReply

/** A request of HTTP, and its response where that is known. */
interface Exchange {
  readonly request: NestRequest
  readonly response: NestResponse | undefined
}

/** What a resolver of GraphQL gets third is what its module made: the request is in there as `req`, if it is one of HTTP. */
const GRAPHQL_CONTEXT = 2

/** What a call came by; the handlers of a gateway or of a microservice have no request of HTTP. */
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
   * For `@UseGuards(...)` on a route, a resolver of GraphQL (its `context` has the request as `req`) or a controller,
   * `app.useGlobalGuards(...)`, or a provider of `APP_GUARD`. What does not come by HTTP, such as a message of a gateway, is not let
   * through.
   */
  require(guard?: Guard): CanActivate
}

/** The exception that Nest answers with; headers have to be set before. */
function exceptionOf({ status, headers, content }: Answer, response: NestResponse | undefined): HttpException {
  if (response !== undefined && canAnswer(outgoing(response)))
    for (const [name, value] of Object.entries(headers)) response.header(name, value)
  return new HttpException(content, status)
}

/** Guards for routes of Nest; `@CurrentPrincipal()` says who asks. */
export function nestAuth(verifier: RequestVerifier, options?: AuthOptions): NestAuth {
  const authenticate = authenticating(verifier, options)
  return {
    require: (guard) => ({
      async canActivate(context: ExecutionContext) {
        const exchange = exchangeOf(context)
        if (exchange === undefined) {
          options?.onRefused?.(new VerifierError('missing_token', { detail: 'not a request of HTTP' }), context)
          // Nest says of it what it says where it is: a WsException, an RpcException.
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

/** A parameter of a guarded route that is who asks. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principalOf(exchangeOf(context)?.request ?? context),
)
