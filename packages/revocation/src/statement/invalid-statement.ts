/**
 * What is wrong with a statement: its size, its form, its `typ`, its `alg`, a `crit` header, a key nobody knows, its signature,
 * its `iss`, or what it says.
 */
export type InvalidStatementReason =
  'too_large' | 'malformed' | 'typ' | 'alg' | 'crit' | 'unknown_key' | 'signature' | 'issuer' | 'payload'

/** A message of a feed that is not a statement of the issuer. `reason` is for machines; neither says what the message was. */
export class InvalidStatement extends Error {
  readonly code = 'ERR_INVALID_STATEMENT'
  readonly reason: InvalidStatementReason

  constructor(reason: InvalidStatementReason, options?: ErrorOptions) {
    super(`not a statement of the issuer: ${reason}`, options)
    this.name = 'InvalidStatement'
    this.reason = reason
  }
}
