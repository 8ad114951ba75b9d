/** Where a verifier logs; a pino logger fits. Tokens are never logged. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What a verifier counts: verified and refused tokens (by `code`), fetches of key sets (by `outcome`), notices (by `scope`). */
export type Counter = 'verified' | 'refused' | 'key_fetches' | 'notices'

/** Counts what a verifier does. It is called on the request path: it must be fast and must not throw. */
export interface MetricsSink {
  count(counter: Counter, labels: Readonly<Record<string, string>>): void
}
