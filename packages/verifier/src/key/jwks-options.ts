/** Where the signing keys of an issuer are fetched, and how long they are trusted; those of its feed likewise. */
export interface JwksOptions {
  /** The URL of the key set (RFC 7517). Default: the `jwks_uri` of the issuer's metadata (RFC 8414). */
  readonly uri?: string
  /** Makes the requests. Default: the global `fetch`. */
  readonly fetch?: typeof fetch
  /** Milliseconds after which a key set is fetched again in the background. Default: 300,000. */
  readonly refreshAheadMs?: number
  /** Milliseconds for which a key set is trusted while it cannot be fetched again; then requests get 503. Default: 86,400,000. */
  readonly maxStaleMs?: number
  /** Milliseconds that one fetch may take. Default: 5,000. */
  readonly timeoutMs?: number
  /**
   * Milliseconds for which a request with an unknown `kid` waits for a fetch of the key set. Default: 0: it is refused at once
   * with 401 while the set is fetched in the background, so that an invented `kid` does not hold a request open; with 503 while
   * the set cannot be fetched. Keys are published before they sign, so a valid token does not run into this.
   */
  readonly unknownKidWaitMs?: number
}

/** The state of a key set. */
export interface KeysHealth {
  readonly uri: string | undefined
  /** Milliseconds since it was fetched; `Infinity` if it never was. */
  readonly ageMs: number
  readonly kids: readonly string[]
  readonly lastError?: string
}
