import { calculateJwkThumbprint, compactVerify, EmbeddedJWK, type JWK } from 'jose'
import { z } from 'zod'
import { isRsaExponent } from '@ledgate/jws'
import { isPublic, namesOf } from '../key/index.ts'

/** The claims of a proof, its signature verified with the key it contains. RFC 9449 §4.2. */
export interface Proof {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** Seconds since the epoch, by the clock of the client. */
  readonly iat: number
  readonly ath?: string | undefined
  readonly nonce?: string | undefined
  /** The SHA-256 thumbprint of its key, RFC 7638. */
  readonly jkt: string
}

/** Why a proof is refused: for the log only. */
export class InvalidProof extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'InvalidProof'
  }
}

/** A proof with an RSA key of 4096 bits has about 2,000 characters. */
const MAX_LENGTH = 8_192
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]+$/

const Claims = z.object({
  jti: z.string().min(1).max(255),
  htm: z.string(),
  htu: z.string(),
  iat: z.number(),
  ath: z.string().optional(),
  nonce: z.string().optional(),
})

/** A Base64urlUInt, RFC 7518 §2. */
const numberOf = (text = ''): bigint => BigInt(`0x0${Buffer.from(text, 'base64url').toString('hex')}`)

/** The thumbprint of the key of a proof. RFC 9449 §4.3, check 7. @throws {InvalidProof} if it is not public. */
async function thumbprint(jwk: JWK | undefined): Promise<string> {
  if (jwk === undefined || !isPublic(jwk)) throw new InvalidProof('its key is not public')
  // With such an exponent anyone can sign, so a signature proves nothing.
  if (jwk.kty === 'RSA' && !isRsaExponent(numberOf(jwk.e))) throw new InvalidProof('its key is invalid')
  return calculateJwkThumbprint(jwk)
}

/**
 * Verifies a proof: one compact JWS of type `dpop+jwt`, with an allowed algorithm, signed with the public key in its header. What
 * request it is for is not checked here. RFC 9449 §4.3, checks 2 to 7.
 *
 * @throws {InvalidProof}
 */
export async function openProof(jws: string, algorithms: readonly string[]): Promise<Proof> {
  if (jws.length > MAX_LENGTH || !COMPACT.test(jws)) throw new InvalidProof('it is not one compact JWS')
  try {
    const { payload, protectedHeader } = await compactVerify(jws, EmbeddedJWK, {
      algorithms: algorithms.flatMap(namesOf),
    })
    if (protectedHeader.typ !== 'dpop+jwt') throw new InvalidProof('its typ is not dpop+jwt')
    const claims = Claims.parse(JSON.parse(new TextDecoder().decode(payload)))
    return { ...claims, jkt: await thumbprint(protectedHeader.jwk) }
  } catch (cause) {
    // Any other error comes from the input: invalid JSON, a point not on its curve, a missing claim.
    throw cause instanceof InvalidProof ? cause : new InvalidProof('it is malformed', { cause })
  }
}
