import { wwwAuthenticate, type ChallengeContext, type ChallengeParameters, type Scheme } from './challenge.ts'

/** The one public description for every cause of `invalid_token` (RFC 6750 §3.1), so that an attacker does not learn which it was. */
const INVALID_TOKEN = 'The access token provided is expired, revoked, malformed, or invalid for other reasons'

interface Outcome {
  readonly status: 400 | 401 | 403 | 503
  /** The registered code on the wire; absent where the RFC has none. */
  readonly error?: string
  readonly description: string
}

/** Every code, and what the answer to the client says. */
const OUTCOMES = {
  missing_token: { status: 401, description: 'An access token is needed' },
  invalid_request: { status: 400, error: 'invalid_request', description: 'The request is malformed' },
  invalid_token: { status: 401, error: 'invalid_token', description: INVALID_TOKEN },
  token_expired: { status: 401, error: 'invalid_token', description: INVALID_TOKEN },
  token_revoked: { status: 401, error: 'invalid_token', description: INVALID_TOKEN },
  invalid_dpop_proof: { status: 401, error: 'invalid_dpop_proof', description: 'The DPoP proof is missing or invalid' },
  use_dpop_nonce: { status: 401, error: 'use_dpop_nonce', description: 'The DPoP proof needs the nonce given here' },
  insufficient_scope: {
    status: 403,
    error: 'insufficient_scope',
    description: 'The request requires higher privileges than provided by the access token',
  },
  insufficient_user_authentication: {
    status: 401,
    error: 'insufficient_user_authentication',
    description: 'A different authentication level is required',
  },
  access_denied: { status: 403, error: 'access_denied', description: 'This is not allowed' },
  verifier_stale: {
    status: 503,
    error: 'temporarily_unavailable',
    description: 'Whether the access token is still good cannot be told now',
  },
  verifier_not_ready: {
    status: 503,
    error: 'temporarily_unavailable',
    description: 'Access tokens cannot be verified now',
  },
} as const satisfies Readonly<Record<string, Outcome>>

/** Why a request is refused. Codes are stable across versions. */
export type VerifierErrorCode = keyof typeof OUTCOMES

export interface VerifierErrorOptions extends ErrorOptions {
  /** Why, for the logs of the resource server; it is never sent, and never contains the token. */
  readonly detail?: string
  /** Further parameters of the challenge: `scope`, `acr_values`, `max_age`. */
  readonly parameters?: ChallengeParameters
  /** How the token was presented. Default: `Bearer`. */
  readonly scheme?: Scheme
  /** Further headers of the answer: `DPoP-Nonce`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Seconds, for a 503. Default: 1. */
  readonly retryAfterSeconds?: number
  readonly challenge?: ChallengeContext
}

/** Whether an error has a challenge: not when another authentication would not help. */
const hasChallenge = (code: VerifierErrorCode): boolean => code !== 'access_denied' && OUTCOMES[code].status !== 503

/** The headers of an answer with this error. */
function headersOf(code: VerifierErrorCode, options: VerifierErrorOptions): Readonly<Record<string, string>> {
  const outcome: Outcome = OUTCOMES[code]
  const isDpop = code === 'invalid_dpop_proof' || code === 'use_dpop_nonce'
  const tried = isDpop ? 'DPoP' : (options.scheme ?? 'Bearer')
  const error =
    code === 'missing_token'
      ? {}
      : { error: outcome.error, error_description: outcome.description, ...options.parameters }
  return {
    ...(hasChallenge(code) && { 'WWW-Authenticate': wwwAuthenticate(error, options.challenge, tried) }),
    ...(outcome.status === 503 && { 'Retry-After': String(Math.max(1, Math.ceil(options.retryAfterSeconds ?? 1))) }),
    ...options.headers,
  }
}

/** Has no effect where the process has made the limit read-only. */
const setStackTraceLimit = (frames: number): void => void Reflect.set(Error, 'stackTraceLimit', frames)

/**
 * Why a request is refused, and the answer that tells the client: `status`, `headers` as they are sent, and `error` with
 * `description` for the body. `detail` and `cause` are for the log. It has no stack: it is an answer and not a defect, and
 * capturing the stack would cost more than the rest of the refusal.
 *
 * @example
 * ```ts
 * import { VerifierError, type Verifier } from '@ledgate/verifier'
 *
 * // The subject of a token, or why it is refused.
 * export const subjectOf = (verifier: Verifier, token: string): Promise<string> =>
 *   verifier.verify(token).then(
 *     ({ sub }) => sub,
 *     (error: unknown) => {
 *       if (error instanceof VerifierError) return `${error.status} ${error.code}`
 *       throw error
 *     },
 *   )
 * ```
 */
export class VerifierError extends Error {
  readonly code: VerifierErrorCode
  readonly status: 400 | 401 | 403 | 503
  /** The registered code for the body; `undefined` if there was no token. */
  readonly error: string | undefined
  readonly description: string
  readonly detail: string | undefined
  readonly #options: VerifierErrorOptions

  constructor(code: VerifierErrorCode, options: VerifierErrorOptions = {}) {
    const outcome: Outcome = OUTCOMES[code]
    const { description } = outcome
    const cause = 'cause' in options ? { cause: options.cause } : undefined
    const { stackTraceLimit } = Error
    // Nothing between the two can fail, and no other code runs.
    setStackTraceLimit(0)
    super(description, cause)
    setStackTraceLimit(stackTraceLimit)
    this.name = 'VerifierError'
    this.code = code
    this.status = outcome.status
    this.error = outcome.error
    this.description = description
    this.detail = options.detail
    this.#options = options
  }

  /** Computed on each access: in an attack most refusals are not inspected further. */
  get headers(): Readonly<Record<string, string>> {
    return headersOf(this.code, this.#options)
  }

  /** The same error with the challenge of this resource, as the answer to one request. */
  in(challenge: ChallengeContext, scheme: Scheme | undefined = this.#options.scheme): VerifierError {
    return new VerifierError(this.code, { ...this.#options, challenge, ...(scheme !== undefined && { scheme }) })
  }
}
