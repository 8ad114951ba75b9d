/** The claims by which a token can be revoked, named as on the wire. */
export interface TokenFacts {
  readonly jti: string
  readonly client_id: string
  /** The user; the client itself in a token for a service. */
  readonly sub: string
  readonly kid: string
  readonly sid?: string | undefined
  readonly gid?: string | undefined
  /** Whether `scope` contains `offline_access`. */
  readonly isOffline: boolean
  /** Without an epoch, any notice of the scope revokes the token. */
  readonly issuer_epoch?: number | undefined
  readonly client_epoch?: number | undefined
  readonly user_epoch?: number | undefined
}
