import { VerifierError } from '../error/index.ts'
import { authorize, type Guard } from '../guard/index.ts'
import type { Principal, RequestContext } from '../principal/index.ts'
import type { Verifier } from '../verifier/index.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Credentials, credentialsOf } from './credentials.ts'
import { rememberPrincipal } from './request-principals.ts'
import { publicUrlOf } from './public-url.ts'
import { type HttpRequest, paramsOf, urlOf } from './http-request.ts'

/** What an adapter needs of a verifier. */
export type RequestVerifier = Pick<Verifier, 'verify' | 'challenge'> & Partial<Pick<Verifier, 'confirm'>>

export interface AuthOptions {
  /**
   * What clients see before the path, like `https://api.example` or `https://example.com/api`: what DPoP proofs are made for.
   * Without it, the Host header and the connection (or what the framework knows of its proxy) say it.
   */
  readonly publicUrl?: string
  /** Told of everybody who is not let through, for a log. */
  readonly onRefused?: (error: VerifierError, request: unknown) => void
}

/** Why somebody is not let through, and what is sent then. */
export interface Refusal {
  readonly error: VerifierError
  readonly answer: Answer
}

/**
 * Looks again whether the token is good, at no cost: nothing is computed or asked, no proof is spent. Only where the issuer itself must be
 * asked, for its feed is stale, it takes a while.
 */
export type Recheck = () => Refusal | undefined | Promise<Refusal | undefined>

/** Either who asks, or the answer to send instead of what was asked for. */
export type Outcome =
  | { readonly principal: Principal; readonly recheck: Recheck; readonly answer?: undefined }
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

/** A request that was let through before, and by what. */
interface Passed {
  readonly credentials: Credentials
  readonly principal: Principal
}

/** By verifier, since what one has let through says nothing to another. */
const passedBy = new WeakMap<RequestVerifier, WeakMap<object, Passed>>()

function requestsPassedBy(verifier: RequestVerifier): WeakMap<object, Passed> {
  const known = passedBy.get(verifier) ?? new WeakMap<object, Passed>()
  passedBy.set(verifier, known)
  return known
}

/**
 * The one way in which every adapter lets requests through: the token, its verdict, the guard. A request that comes by again, at
 * a second guard or right before its handler, is looked at again and spends no proof. What is not a refusal, like an
 * error in a predicate, is thrown for the framework to answer; it lets nobody through.
 *
 * @throws {TypeError} for a `publicUrl` that is none.
 */
export function authenticating(verifier: RequestVerifier, options: AuthOptions = {}): Authenticate {
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

  async function letThrough(
    request: HttpRequest,
    key: object,
    credentials: Credentials,
    guard?: Guard,
  ): Promise<Principal> {
    const context = contextOf(request, credentials, publicUrl)
    if (credentials.scheme === 'DPoP' && context.url === undefined)
      throw new VerifierError('invalid_request', { detail: 'by its Host header nobody can tell what a proof is for' })
    const principal = await verified(credentials, context, key)
    // Known from here on, whatever the guard says: its proof is spent.
    passed.set(key, { credentials, principal })
    if (guard) authorize(principal, guard, context)
    return principal
  }

  /** @throws what is no refusal. */
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
      const principal = await letThrough(request, key, credentials, guard)
      rememberPrincipal(key, principal)
      return { principal, recheck: recheckOf(request, credentials, principal) }
    } catch (error) {
      return { answer: refusalOf(error, request, credentials).answer }
    }
  }
}
