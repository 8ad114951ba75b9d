import type { TokenFacts } from '@ledgate/revocation'
import type { JWTPayload } from 'jose'

/** To which key a token is bound, RFC 7800. */
export interface Confirmation {
  /** The thumbprint of a DPoP key, RFC 9449 §6.1. */
  readonly jkt?: string
}

/** Who asks, as a verified token says it. Frozen, and the same object for the same token. */
export interface Principal {
  readonly issuer: string
  readonly sub: string
  readonly clientId: string
  readonly jti: string
  readonly sid?: string | undefined
  /** The grant. */
  readonly gid?: string | undefined
  /** Seconds since the epoch. */
  readonly iat: number
  /** Seconds since the epoch. */
  readonly exp: number
  readonly audience: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly roles: ReadonlySet<string>
  readonly entitlements: ReadonlySet<string>
  readonly acr?: string | undefined
  readonly amr?: readonly string[] | undefined
  /** Seconds since the epoch. */
  readonly authTime?: number | undefined
  /** `service` when a client speaks for itself. */
  readonly kind: 'user' | 'service'
  readonly confirmation?: Confirmation | undefined
  /** Everything the token says. */
  readonly claims: Readonly<JWTPayload>
  /** What revocations can concern. */
  readonly facts: TokenFacts
}
