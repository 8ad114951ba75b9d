import { RevocationError } from '../error/index.ts'

/**
 * What is wrong with a statement: its size, its form, its `typ`, its `alg`, a `crit` header, an unknown key, its signature, its
 * `iss`, or its payload.
 */
export type InvalidStatementReason =
  'too_large' | 'malformed' | 'typ' | 'alg' | 'crit' | 'unknown_key' | 'signature' | 'issuer' | 'payload'

/** A message of a feed is not a statement of the issuer. `reason` is for programs; the message itself is not quoted. */
export class InvalidStatement extends RevocationError {
  override readonly name = 'InvalidStatement'
  readonly code = 'ERR_INVALID_STATEMENT'
  readonly reason: InvalidStatementReason

  constructor(reason: InvalidStatementReason, options?: ErrorOptions) {
    super(`not a statement of the issuer: ${reason}`, options)
    this.reason = reason
  }
}
