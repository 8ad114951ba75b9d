/** What the signing keys of an issuer are taken from, and how long they are trusted; those of its feed the same way. */
export interface JwksOptions {
  /** Of the key set (RFC 7517); what the issuer's metadata say (RFC 8414) when absent. */
  readonly uri?: string
  /** How the network is asked; the global `fetch` unless told. */
  readonly fetch?: typeof fetch
  /** How old a key set grows before it is fetched again in the background, in milliseconds; 300,000 unless told. */
  readonly refreshAheadMs?: number
  /** How old a key set may grow while it cannot be fetched, in milliseconds; 86,400,000 unless told. Then 503. */
  readonly maxStaleMs?: number
  /** How long one fetch may take, in milliseconds; 5,000 unless told. */
  readonly timeoutMs?: number
  /**
   * How long a request whose key is unknown waits for a fetch of the key set, in milliseconds. 0 unless told: it is refused at
   * once with 401 while the set is fetched in the background, so that nobody's made-up `kid` holds a request open; with 503
   * while the set cannot be fetched. New keys are published before they sign, so an honest token does not meet this.
   */
  readonly unknownKidWaitMs?: number
}

/** How a key set is. */
export interface KeysHealth {
  readonly uri: string | undefined
  /** Milliseconds since it was fetched; Infinity when it never was. */
  readonly ageMs: number
  readonly kids: readonly string[]
  readonly lastError?: string
}
