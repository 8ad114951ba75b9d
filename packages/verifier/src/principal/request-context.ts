/** The request that a token came with, as far as it is known. */
export interface RequestContext {
  readonly method?: string
  /** The URL as the client sees it, in front of all proxies. */
  readonly url?: string
  /** The scheme of the Authorization header. Default: `Bearer`. */
  readonly scheme?: 'Bearer' | 'DPoP'
  /** The `DPoP` header, if there was exactly one. */
  readonly dpop?: string
  /** Seconds since the epoch, for guards that compare times. Default: the clock of this machine. */
  readonly now?: number
  /** What else a guard may use: the parameters of the path, and the request of the framework. */
  readonly params?: Readonly<Record<string, string>>
  readonly request?: unknown
}
