import type { JsonObject } from '@ledgate/eventsourcing'
import { InvalidScope, jsonBytes, MAX_ACCESS_TOKEN } from '@ledgate/oauth'
import type { Encryption } from '../resource/index.ts'

/** Characters that base64url makes of so many bytes. */
const inBase64 = (bytes: number): number => Math.ceil((bytes * 4) / 3)

/** A header and a signature of RSA with 4096 bits, and their dots. */
const AROUND_CLAIMS = 1_024
/** An ephemeral key, the locator, and what else a JWE has beside its content and the wrapped key. */
const AROUND_ENCRYPTED = 1_877

/** Characters that a token has at most. */
export function tokenSize(claims: JsonObject, encryption: Encryption | undefined): number {
  const signed = inBase64(jsonBytes(claims)) + AROUND_CLAIMS
  if (encryption === undefined) return signed
  const { kid, n } = encryption.jwk as { readonly kid?: unknown; readonly n?: unknown }
  // A key that RSA wraps is as long as the modulus, RFC 7518 §4.3.
  const wrapped = typeof n === 'string' ? n.length : 0
  return inBase64(signed) + inBase64(jsonBytes(kid ?? '')) + wrapped + AROUND_ENCRYPTED
}

/**
 * That a token can be taken back, and shown in a header. Asked before anything is written, so that nothing is spent for a token that
 * no one could use.
 *
 * @throws {InvalidScope} when less has to be asked for, or the user to have fewer roles.
 */
export function assertFits(claims: JsonObject, encryption: Encryption | undefined): void {
  if (tokenSize(claims, encryption) <= MAX_ACCESS_TOKEN) return
  throw new InvalidScope('the access token would be too large: ask for less, or have fewer roles and entitlements')
}
