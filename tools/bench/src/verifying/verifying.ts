/** Who checks tokens. */
export const PARTIES = ['Ledgate verify', 'Ledgate verifySync', 'jose', 'fast-jwt', 'aws-jwt-verify'] as const
export type Party = (typeof PARTIES)[number]

/** What a process is to measure. */
export interface Assignment {
  readonly party: Party
  /** Whether a few tokens are presented again and again; else each comes once. */
  readonly isSeen: boolean
  /** The issued tokens, as JSON. */
  readonly file: string
}

/** Asks for so many tokens to be checked. */
export interface Verifying {
  readonly kind: 'verifying'
  readonly count: number
}

export const isVerifying = (message: unknown): message is Verifying =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'verifying'
