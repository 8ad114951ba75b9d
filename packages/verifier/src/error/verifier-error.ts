import { wwwAuthenticate, type ChallengeContext, type ChallengeParameters, type Scheme } from './challenge.ts'

/** The one public sentence for every cause of `invalid_token`: RFC 6750 §3.1. Which it was must not help an attacker. */
const INVALID_TOKEN = 'The access token provided is expired, revoked, malformed, or invalid for other reasons'

interface Outcome {
  readonly status: 400 | 401 | 403 | 503
  /** The registered code, as the wire has it; none where the RFC has none. */
  readonly error?: string
  readonly description: string
}

/** Every code, and what a client is told of it. */
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

/** What went wrong, stable across versions. */
export type VerifierErrorCode = keyof typeof OUTCOMES

export interface VerifierErrorOptions extends ErrorOptions {
  /** Why, for our logs; never sent, and never the token. */
  readonly detail?: string
  /** More parameters of the challenge: `scope`, `acr_values`, `max_age`. */
  readonly parameters?: ChallengeParameters
  /** How the token was presented; Bearer unless told. */
  readonly scheme?: Scheme
  /** More headers of the answer: `DPoP-Nonce`. */
  readonly headers?: Readonly<Record<string, string>>
  /** Seconds, for a 503; 1 unless told. */
  readonly retryAfterSeconds?: number
  readonly challenge?: ChallengeContext
}

/** Which errors have no challenge: authenticating in another way would not help. */
const hasChallenge = (code: VerifierErrorCode): boolean => code !== 'access_denied' && OUTCOMES[code].status !== 503

/** The headers that an answer with this error must have. */
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

/** Nothing happens where a process has made it unchangeable. */
const setStackTraceLimit = (frames: number): void => void Reflect.set(Error, 'stackTraceLimit', frames)

/**
 * Why a request is not let through, and the answer that says so: `status`, `headers` as they are to be sent, and `error` with
 * `description` for a body. `detail` and `cause` are for the log. It has no stack: it is an answer and no defect, and to walk the
 * stack takes longer than everything else that a refusal asks for.
 */
export class VerifierError extends Error {
  readonly code: VerifierErrorCode
  readonly status: 400 | 401 | 403 | 503
  /** The registered code as it goes into a body; `undefined` when there was no token. */
  readonly error: string | undefined
  readonly description: string
  readonly detail: string | undefined
  readonly #options: VerifierErrorOptions

  constructor(code: VerifierErrorCode, options: VerifierErrorOptions = {}) {
    const outcome: Outcome = OUTCOMES[code]
    const { description } = outcome
    const cause = 'cause' in options ? { cause: options.cause } : undefined
    const { stackTraceLimit } = Error
    // Between the two nothing can fail, and nobody else has a turn.
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

  /** Made when they are asked for: most refusals of an attack are never looked at twice. */
  get headers(): Readonly<Record<string, string>> {
    return headersOf(this.code, this.#options)
  }

  /** The same error with the challenge of this resource, as it answers this request. */
  in(challenge: ChallengeContext, scheme: Scheme | undefined = this.#options.scheme): VerifierError {
    return new VerifierError(this.code, { ...this.#options, challenge, ...(scheme !== undefined && { scheme }) })
  }
}
