/** Guards for NestJS, on Express or Fastify. */
import { type CanActivate, createParamDecorator, type ExecutionContext, HttpException } from '@nestjs/common'
import type { Request } from 'express'
import type { FastifyRequest } from 'fastify'
import { fromExpress } from '../express/request.ts'
import { fromFastify } from '../fastify/request.ts'
import type { Guard } from '../guard.ts'
import { type Answer, authenticating, type AuthOptions, principalOf, type RequestVerifier } from '../http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../http/index.ts'

/** What both platforms of Nest take headers by. */
interface NestResponse {
  header(name: string, value: string): unknown
}

export interface NestAuth {
  /** For `@UseGuards(...)` on a route or controller, `app.useGlobalGuards(...)`, or a provider of `APP_GUARD`. */
  require(guard?: Guard): CanActivate
}

/** The exception that Nest answers with; headers have to be set before. */
function exceptionOf({ status, headers, content }: Answer, response: NestResponse): HttpException {
  for (const [name, value] of Object.entries(headers)) response.header(name, value)
  return new HttpException(content, status)
}

/** Guards for routes of Nest; `@CurrentPrincipal()` says who asks. */
export function nestAuth(verifier: RequestVerifier, options?: AuthOptions): NestAuth {
  const authenticate = authenticating(verifier, options)
  return {
    require: (guard) => ({
      async canActivate(context: ExecutionContext) {
        const http = context.switchToHttp()
        const request: Request | FastifyRequest = http.getRequest()
        const { answer } = await authenticate(
          'raw' in request ? fromFastify(request) : fromExpress(request),
          request,
          guard,
        )
        if (answer) throw exceptionOf(answer, http.getResponse())
        return true
      },
    }),
  }
}

/** A parameter of a guarded route that is who asks. */
export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) =>
  principalOf(context.switchToHttp().getRequest()),
)
