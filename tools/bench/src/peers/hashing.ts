/** Asks the argon2id peer to hash for a while. */
export interface Hashing {
  readonly kind: 'hashing'
  readonly inFlight: number
  readonly durationMs: number
}

export const isHashing = (message: unknown): message is Hashing =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'hashing'
