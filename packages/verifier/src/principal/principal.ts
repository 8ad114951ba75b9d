import type { TokenFacts } from '@ledgate/revocation'
import type { JWTPayload } from 'jose'

/** The key that a token is bound to, RFC 7800. */
export interface Confirmation {
  /** The thumbprint of a DPoP key, RFC 9449 §6.1. */
  readonly jkt?: string
}

/** Who makes a request, from a verified token. Frozen, and the same object for the same token. */
export interface Principal {
  readonly issuer: string
  readonly sub: string
  readonly clientId: string
  readonly jti: string
  readonly sid?: string | undefined
  /** The id of the grant. */
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
  /** `service` if the client acts on its own behalf. */
  readonly kind: 'user' | 'service'
  readonly confirmation?: Confirmation | undefined
  /** All claims of the token. */
  readonly claims: Readonly<JWTPayload>
  /** The claims by which a token can be revoked. */
  readonly facts: TokenFacts
}
