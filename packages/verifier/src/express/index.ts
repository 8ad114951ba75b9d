/** Guards for Express 4 and 5. */
import type { NextFunction, Request, Response } from 'express'
import type { Guard } from '../guard/index.ts'
import { type Answer, createAuthenticator, type AuthOptions, type RequestVerifier } from '../request/index.ts'
import { canAnswer, fromExpress, recheckAtEnd } from '../node-http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

/** An Express middleware that refuses requests without a valid token. */
export type ExpressGuard = (request: Request, response: Response, next: NextFunction) => Promise<void>

export interface ExpressAuth {
  /**
   * For a route, a router or a whole app. Use it before the body is read: the token is checked again when the body ends. Use it again
   * after slow middleware: it then checks again and uses no proof.
   */
  require(guard?: Guard): ExpressGuard
}

/**
 * Guards for routes of Express; `principalOf(request)` gives the principal.
 *
 * @example
 * ```ts
 * import { createVerifier, guard } from '@ledgate/verifier'
 * import { expressAuth, principalOf } from '@ledgate/verifier/express'
 * import express from 'express'
 *
 * const verifier = createVerifier({ issuer: 'https://id.example', audience: 'https://api.example', revocations: false })
 * const auth = expressAuth(verifier)
 * export const app = express()
 * app.get('/orders', auth.require(guard.scopes('orders:read')), (request, response) => {
 *   response.send(principalOf(request).sub)
 * })
 * ```
 */
export function expressAuth(verifier: RequestVerifier, options?: AuthOptions): ExpressAuth {
  const authenticate = createAuthenticator(verifier, options)
  return {
    require: (guard) => async (request, response, next) => {
      // Express 4 ignores the promise of a middleware, so its rejection must be passed on.
      const outcome = await authenticate(fromExpress(request), request, guard).catch(
        (error: unknown) => void next(error),
      )
      if (outcome === undefined) return
      const send = ({ status, headers, body }: Answer): void => {
        if (canAnswer(response)) response.status(status).set(headers).send(body)
      }
      if (outcome.answer) return send(outcome.answer)
      recheckAtEnd(request, response, outcome.recheck, send)
      next()
    },
  }
}
