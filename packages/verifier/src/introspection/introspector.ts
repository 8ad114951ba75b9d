/** Asks an issuer whether a token is active (RFC 7662). @throws when there is no answer. */
export type Introspector = (token: string, signal?: AbortSignal) => Promise<boolean>
