/** The ways of checking a token that are measured. */
export const WAYS = [
  'ledgate, seen before',
  'fast-jwt, seen before',
  'ledgate, not seen before',
  'jose jwtVerify',
  'fast-jwt, not seen before',
  'aws-jwt-verify',
] as const
export type Way = (typeof WAYS)[number]

/** Asks for tokens to be checked in one way, for so long. */
export interface Verifying {
  readonly kind: 'verifying'
  readonly way: Way
  readonly durationMs: number
}

export const isVerifying = (message: unknown): message is Verifying =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'verifying'
