import { VerifierError } from '../errors.ts'
import { authorize, type Guard } from '../guard.ts'
import type { Principal, RequestContext, Verifier } from '../types.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Credentials, credentialsOf } from './credentials.ts'
import { rememberPrincipal } from './principals.ts'
import { type HttpRequest, paramsOf, urlOf } from './request.ts'

/** What an adapter needs of a verifier. */
export type RequestVerifier = Pick<Verifier, 'verify' | 'challenge'>

export interface AuthOptions {
  /**
   * What clients see before the path, like `https://api.example` or `https://example.com/api`: what DPoP proofs are made for.
   * Without it, the Host header and the connection (or what the framework knows of its proxy) say it.
   */
  readonly publicUrl?: string
  /** Told of everybody who is not let through, for a log. */
  readonly onRefused?: (error: VerifierError, request: unknown) => void
}

/** Either who asks, or the answer to send instead of what was asked for. */
export type Outcome =
  | { readonly principal: Principal; readonly answer?: undefined }
  | { readonly answer: Answer; readonly principal?: undefined }

/** Lets requests through, or says what to answer. `key` is what `principalOf` is asked with later. */
export type Authenticate = (request: HttpRequest, key: object, guard?: Guard) => Promise<Outcome>

function contextOf(request: HttpRequest, { scheme }: Credentials, publicUrl: string | undefined): RequestContext {
  const url = urlOf(request, publicUrl)
  const [proof, ...others] = request.header('dpop')
  return {
    method: request.method,
    scheme,
    params: paramsOf(request),
    request: request.raw,
    ...(url !== undefined && { url }),
    ...(proof !== undefined && others.length === 0 && { dpop: proof }),
  }
}

/**
 * The one way in which every adapter lets requests through: the token, its verdict, the guard. What is not a refusal, like an
 * error in a predicate, is thrown for the framework to answer; it lets nobody through.
 *
 * @throws {TypeError} for a `publicUrl` that is none.
 */
export function authenticating(verifier: RequestVerifier, options: AuthOptions = {}): Authenticate {
  const { publicUrl, onRefused } = options
  if (publicUrl !== undefined && !URL.canParse(publicUrl)) throw new TypeError('publicUrl is no URL')

  async function letThrough(request: HttpRequest, credentials: Credentials, guard?: Guard): Promise<Principal> {
    const context = contextOf(request, credentials, publicUrl)
    if (credentials.scheme === 'DPoP' && context.url === undefined)
      throw new VerifierError('invalid_request', { detail: 'by its Host header nobody can tell what a proof is for' })
    const principal = await verifier.verify(credentials.token, context)
    if (guard) authorize(principal, guard, context)
    return principal
  }

  return async (request, key, guard) => {
    let credentials: Credentials | undefined
    try {
      credentials = credentialsOf(request)
      const principal = await letThrough(request, credentials, guard)
      rememberPrincipal(key, principal)
      return { principal }
    } catch (error) {
      if (!(error instanceof VerifierError)) throw error
      onRefused?.(error, request.raw)
      return { answer: answerOf(error.in(verifier.challenge, credentials?.scheme)) }
    }
  }
}
