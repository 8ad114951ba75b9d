import { calculateJwkThumbprint, compactVerify, EmbeddedJWK, type JWK } from 'jose'
import { z } from 'zod'
import { isRsaExponent } from '@ledgate/jws'
import { isPublic, namesOf } from '../key/index.ts'

/** What a proof says, its signature verified by the key it carries. RFC 9449 §4.2. */
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

/** Why a proof does not count: for the log only. */
export class ProofFault extends Error {
  constructor(detail: string, options?: ErrorOptions) {
    super(detail, options)
    this.name = 'ProofFault'
  }
}

/** A proof by RSA keys of 4096 bits has some 2,000 characters. */
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

/** The thumbprint of the key of a proof, if it is a public one. RFC 9449 §4.3, check 7. */
async function thumbprint(jwk: JWK | undefined): Promise<string> {
  if (jwk === undefined || !isPublic(jwk)) throw new ProofFault('the key is not public')
  // Whatever everybody can sign proves nothing of who holds a key.
  if (jwk.kty === 'RSA' && !isRsaExponent(numberOf(jwk.e))) throw new ProofFault('the key is none')
  return calculateJwkThumbprint(jwk)
}

/**
 * Opens a proof: one compact JWS of type `dpop+jwt`, by an allowed algorithm, signed with the public key inside it. What it
 * is for is not looked at here. RFC 9449 §4.3, checks 2 to 7.
 *
 * @throws {ProofFault}
 */
export async function openProof(jws: string, algorithms: readonly string[]): Promise<Proof> {
  if (jws.length > MAX_LENGTH || !COMPACT.test(jws)) throw new ProofFault('not one compact JWS')
  try {
    const { payload, protectedHeader } = await compactVerify(jws, EmbeddedJWK, {
      algorithms: algorithms.flatMap(namesOf),
    })
    if (protectedHeader.typ !== 'dpop+jwt') throw new ProofFault('of another type')
    const claims = Claims.parse(JSON.parse(new TextDecoder().decode(payload)))
    return { ...claims, jkt: await thumbprint(protectedHeader.jwk) }
  } catch (cause) {
    // Anything but an error of ours is something that a stranger wrote: bad JSON, a point not on its curve, a missing claim.
    throw cause instanceof ProofFault ? cause : new ProofFault('not a proof', { cause })
  }
}
