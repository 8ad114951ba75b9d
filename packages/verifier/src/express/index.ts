/** Guards for Express 4 and 5. */
import type { NextFunction, Request, Response } from 'express'
import type { Guard } from '../guard/index.ts'
import { type Answer, authenticating, type AuthOptions, type RequestVerifier } from '../request/index.ts'
import { canAnswer, fromExpress, recheckAtEnd } from '../node-http/index.ts'

export { type AuthOptions, principalOf, type RequestVerifier } from '../request/index.ts'

/** A middleware of Express that answers who is not let through. */
export type ExpressGuard = (request: Request, response: Response, next: NextFunction) => Promise<void>

export interface ExpressAuth {
  /**
   * For a route, a router or a whole app. Before what reads the body: its end passes only if the token is good then. Once more behind
   * whatever else takes long: it looks again, and spends no proof.
   */
  require(guard?: Guard): ExpressGuard
}

/** Guards for routes of Express; `principalOf(request)` says who asks. */
export function expressAuth(verifier: RequestVerifier, options?: AuthOptions): ExpressAuth {
  const authenticate = authenticating(verifier, options)
  return {
    require: (guard) => async (request, response, next) => {
      // A promise that Express 4 would not look at must not be lost.
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
