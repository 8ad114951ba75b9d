/** How a verifier hears of revocations. */
export type Way = 'kafka' | 'http'

/** What a process is to verify, and how it hears. */
export interface Assignment {
  readonly way: Way
  readonly issuer: string
  readonly audience: string
  readonly api: { readonly id: string; readonly secret: string }
  readonly brokers: readonly string[]
  /** The tokens that will be revoked, a line each. */
  readonly file: string
}

/** Asks for what was refused so far. */
export interface Asking {
  readonly kind: 'refusals'
}

/** When each token was refused first, by its place in the file, in nanoseconds of this machine's monotonic clock. */
export interface Refusals {
  readonly kind: 'refusals'
  readonly at: readonly (readonly [nth: number, nanoseconds: string])[]
}

export const isRefusals = (message: unknown): message is Refusals =>
  typeof message === 'object' && message !== null && 'at' in message && 'kind' in message && message.kind === 'refusals'
