/** What an OAuthError may carry beside its registered code. */
export interface OAuthErrorOptions extends ErrorOptions {
  /** Why, for our logs; never sent to the client. */
  readonly detail?: string
  /** Response headers the RFC asks for, e.g. `WWW-Authenticate`. */
  readonly headers?: Readonly<Record<string, string>>
}

/**
 * An error as an OAuth endpoint answers it (RFC 6749 §5.2): a registered code, an HTTP status, and one public sentence
 * that is the same for every cause.
 */
export class OAuthError extends Error {
  readonly error: string
  readonly status: number
  readonly detail: string | undefined
  readonly headers: Readonly<Record<string, string>>

  constructor(error: string, status: number, description: string, options: OAuthErrorOptions = {}) {
    super(description, options)
    this.name = new.target.name
    this.error = error
    this.status = status
    this.detail = options.detail
    this.headers = options.headers ?? {}
  }
}

/** A parameter is missing, repeated, unknown or malformed. RFC 6749 §5.2. */
export class InvalidRequest extends OAuthError {
  constructor(description = 'the request is malformed', options?: OAuthErrorOptions) {
    super('invalid_request', 400, description, options)
  }
}

/** The client did not prove who it is. RFC 6749 §5.2: 401, and a challenge when it tried the Authorization header. */
export class InvalidClient extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions) {
    super('invalid_client', 401, 'client authentication failed', {
      headers: { 'www-authenticate': 'Basic realm="ledgate", charset="UTF-8"' },
      ...options,
      detail,
    })
  }
}

/** The password, refresh token or code is wrong, expired, revoked or another client's. RFC 6749 §5.2. */
export class InvalidGrant extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions) {
    super('invalid_grant', 400, 'the grant is invalid, expired or revoked', { ...options, detail })
  }
}

/** The client may not use this grant type. RFC 6749 §5.2. */
export class UnauthorizedClient extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions) {
    super('unauthorized_client', 400, 'the client may not use this grant type', { ...options, detail })
  }
}

/** RFC 6749 §5.2. */
export class UnsupportedGrantType extends OAuthError {
  constructor(options?: OAuthErrorOptions) {
    super('unsupported_grant_type', 400, 'the grant type is not supported', options)
  }
}

/** RFC 6749 §5.2. */
export class InvalidScope extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions) {
    super('invalid_scope', 400, 'the scope is unknown, malformed or not allowed', { ...options, detail })
  }
}

/** The `resource` is unknown, malformed or not one for this scope. RFC 8707 §2. */
export class InvalidTarget extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions) {
    super('invalid_target', 400, 'the resource is unknown or cannot be granted', { ...options, detail })
  }
}

/** The server cannot take the request now. `retryAfter` in seconds (RFC 9110 §10.2.3). */
export class TemporarilyUnavailable extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions & { readonly retryAfter?: number }) {
    super('temporarily_unavailable', 503, 'the server cannot take the request now', {
      headers: { 'retry-after': String(options?.retryAfter ?? 1) },
      ...options,
      detail,
    })
  }
}

/** Too many requests from one source. `retryAfter` in seconds. RFC 6585 §4. */
export class TooManyRequests extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions & { readonly retryAfter?: number }) {
    super('too_many_requests', 429, 'too many requests', {
      headers: { 'retry-after': String(options?.retryAfter ?? 1) },
      ...options,
      detail,
    })
  }
}

/** What a `Bearer` challenge says, RFC 6750 §3. */
const challenge = (members: Readonly<Record<string, string>>): Readonly<Record<string, string>> => ({
  'www-authenticate': `Bearer ${Object.entries({ realm: 'ledgate', ...members })
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ')}`,
})

/** The access token is missing, expired, revoked, malformed or for somebody else. RFC 6750 §3.1. */
export class InvalidToken extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions & { readonly isMissing?: boolean }) {
    // A request without any token is not told that it is wrong.
    const headers = challenge(options?.isMissing ? {} : { error: 'invalid_token' })
    super('invalid_token', 401, 'the access token is missing, expired, revoked or for another resource', {
      headers,
      ...options,
      detail,
    })
  }
}

/** The access token does not reach so far. RFC 6750 §3.1. */
export class InsufficientScope extends OAuthError {
  constructor(scope: string, options?: OAuthErrorOptions) {
    super('insufficient_scope', 403, `the access token needs the scope ${scope}`, {
      headers: challenge({ error: 'insufficient_scope', scope }),
      ...options,
      detail: `needs ${scope}`,
    })
  }
}

/** Whoever asks is known and may not. RFC 6749 §4.1.2.1 has the word. */
export class AccessDenied extends OAuthError {
  constructor(detail: string, options?: OAuthErrorOptions) {
    super('access_denied', 403, 'access denied', { ...options, detail })
  }
}
