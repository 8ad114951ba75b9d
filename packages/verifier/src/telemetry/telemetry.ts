/** Where a verifier says what it met; a logger of pino fits. A token never gets there. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

/** What a verifier counts: verdicts by `code`, fetches of key sets by `outcome`, notices by `scope`. */
export type Counter = 'verified' | 'refused' | 'key_fetches' | 'notices'

/** Where a verifier counts what it does. It is called on the request path: it must be quick and must not throw. */
export interface MetricsSink {
  count(counter: Counter, labels: Readonly<Record<string, string>>): void
}
