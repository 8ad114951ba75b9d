/** Whether an issuer itself still calls a token active (RFC 7662). @throws when it cannot be asked. */
export type Introspector = (token: string, signal?: AbortSignal) => Promise<boolean>
