import { VerifierError } from '../error/index.ts'
import { authorize, type Guard } from '../guard/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'
import type { Verifier } from '../verifier/index.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Credentials, credentialsOf } from './credentials.ts'
import { rememberPrincipal } from './request-principals.ts'
import { publicUrlOf } from './public-url.ts'
import { type HttpRequest, paramsOf, urlOf } from './http-request.ts'

/** The part of a verifier that adapters use. */
export type RequestVerifier = Pick<Verifier, 'verify' | 'challenge'> & Partial<Pick<Verifier, 'confirm'>>

export interface AuthOptions {
  /**
   * The URL before the path as clients see it, such as `https://api.example` or `https://example.com/api`: DPoP proofs are for
   * it. Default: derived from the Host header and the connection, or from what the framework knows about its proxy.
   */
  readonly publicUrl?: string
  /** Is called with each refusal, for a log. */
  readonly onRefused?: (error: VerifierError, request: unknown) => void
}

/** Why a request is refused, and the answer to it. */
export interface Refusal {
  readonly error: VerifierError
  readonly answer: Answer
}

/**
 * Checks again whether the token is valid. It is cheap and uses no proof; it takes time only if the issuer must be asked because
 * its feed is stale.
 */
export type Recheck = () => Refusal | undefined | Promise<Refusal | undefined>

/** Either who makes the request, or the answer that refuses it. */
export type Outcome =
  | { readonly principal: Principal; readonly recheck: Recheck; readonly answer?: undefined }
  | { readonly answer: Answer; readonly principal?: undefined }

/** Authenticates a request, or refuses it. `key` is the object that `principalOf` is called with later. */
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

/** A request that was authenticated before, and how. */
interface Passed {
  readonly credentials: Credentials
  readonly principal: Principal
}

/** By verifier, since each verifier decides for itself. */
const passedBy = new WeakMap<RequestVerifier, WeakMap<object, Passed>>()

function requestsPassedBy(verifier: RequestVerifier): WeakMap<object, Passed> {
  const known = passedBy.get(verifier) ?? new WeakMap<object, Passed>()
  passedBy.set(verifier, known)
  return known
}

/**
 * Authenticates requests for every adapter: takes the token, verifies it, applies the guard. A request that is authenticated again,
 * at a second guard or right before its handler, is checked again and uses no proof. Anything but a refusal, such as an
 * error in a predicate, is thrown for the framework to answer; the request is not let through.
 *
 * @throws {TypeError} if `publicUrl` is invalid.
 */
export function createAuthenticator(verifier: RequestVerifier, options: AuthOptions = {}): Authenticate {
  const { onRefused } = options
  const publicUrl = publicUrlOf(options.publicUrl)
  const passed = requestsPassedBy(verifier)

  async function verified(credentials: Credentials, context: RequestContext, key: object): Promise<Principal> {
    const before = passed.get(key)
    const isSame = before?.credentials.token === credentials.token && before.credentials.scheme === credentials.scheme
    if (before === undefined || !isSame || verifier.confirm === undefined)
      return verifier.verify(credentials.token, context)
    await verifier.confirm(before.principal)
    return before.principal
  }

  async function admit(request: HttpRequest, key: object, credentials: Credentials, guard?: Guard): Promise<Principal> {
    const context = contextOf(request, credentials, publicUrl)
    if (credentials.scheme === 'DPoP' && context.url === undefined)
      throw new VerifierError('invalid_request', {
        detail: 'without a valid Host header the URL of the DPoP proof is unknown',
      })
    const principal = await verified(credentials, context, key)
    // Remembered from here on, whatever the guard decides, since the proof is used.
    passed.set(key, { credentials, principal })
    if (guard) authorize(principal, guard, context)
    return principal
  }

  /** @throws anything that is not a refusal. */
  function refusalOf(error: unknown, request: HttpRequest, credentials: Credentials | undefined): Refusal {
    if (!(error instanceof VerifierError)) throw error
    onRefused?.(error, request.raw)
    return { error, answer: answerOf(error.in(verifier.challenge, credentials?.scheme)) }
  }

  function recheckOf(request: HttpRequest, credentials: Credentials, principal: Principal): Recheck {
    const refused = (error: unknown): Refusal => refusalOf(error, request, credentials)
    return () => {
      try {
        return verifier.confirm?.(principal)?.then(() => undefined, refused)
      } catch (error) {
        return refused(error)
      }
    }
  }

  return async (request, key, guard) => {
    let credentials: Credentials | undefined
    try {
      credentials = credentialsOf(request)
      const principal = await admit(request, key, credentials, guard)
      rememberPrincipal(key, principal)
      return { principal, recheck: recheckOf(request, credentials, principal) }
    } catch (error) {
      return { answer: refusalOf(error, request, credentials).answer }
    }
  }
}
