/** The request a token came with, as far as it is known. */
export interface RequestContext {
  readonly method?: string
  /** The URL as the client sees it, proxies included. */
  readonly url?: string
  /** The scheme of the Authorization header; Bearer unless told. */
  readonly scheme?: 'Bearer' | 'DPoP'
  /** The `DPoP` header, if there was exactly one. */
  readonly dpop?: string
  /** Seconds since the epoch, for guards that ask how long ago something was; the machine's clock unless told. */
  readonly now?: number
  /** What a guard may look at beside: names out of the path, and the framework's own request. */
  readonly params?: Readonly<Record<string, string>>
  readonly request?: unknown
}
