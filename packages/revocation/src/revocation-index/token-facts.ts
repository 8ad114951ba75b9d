/** What a token says that a revocation can concern. Ledgate's claims are named as they are on the wire. */
export interface TokenFacts {
  readonly jti: string
  readonly client_id: string
  /** The person; the client itself in a token for a service. */
  readonly sub: string
  readonly kid: string
  readonly sid?: string | undefined
  readonly gid?: string | undefined
  /** Whether `scope` contains `offline_access`. */
  readonly isOffline: boolean
  /** A token of an issuer without epochs carries none: any notice about its scope then ends it. */
  readonly issuer_epoch?: number | undefined
  readonly client_epoch?: number | undefined
  readonly user_epoch?: number | undefined
}
