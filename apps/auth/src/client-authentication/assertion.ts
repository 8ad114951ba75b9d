import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { Conflict } from '@ledgate/eventsourcing'
import { InvalidClient } from '@ledgate/oauth'
import {
  createLocalJWKSet,
  decodeJwt,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyOptions,
} from 'jose'
import { createBoundedCache, bytesOfText } from '../limit/index.ts'
import type { Clock, CommandContext, EventLog, KeyedHash } from '../log/index.ts'
import { ASSERTION_ALGS, flawOf } from '../credential/index.ts'
import { assertionStream } from './events.ts'

/** RFC 7523 §2.2. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Seconds an assertion may live, and by which clocks may differ. */
const LONGEST_LIFE = 600
const SKEW = 10
const MAX_LENGTH = 16_384
const MAX_JTI = 256

/** Who an assertion says it is from, unproved. @throws {InvalidClient} when it is no JWT. */
export function claimedClientId(assertion: string): string {
  try {
    const { sub } = assertion.length <= MAX_LENGTH ? decodeJwt(assertion) : {}
    if (typeof sub === 'string') return sub
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error
  }
  throw new InvalidClient('the assertion is not a JWT with a sub')
}

export interface AssertionDependencies {
  readonly log: EventLog
  readonly keyedHash: KeyedHash
  readonly clock: Clock
}

/** Someone with an id and public keys. */
export interface Asserting {
  readonly clientId: string
  readonly jwks: object
  /** The only allowed audiences of the assertion: the issuer, or the endpoint it is sent to. */
  readonly audience: readonly string[]
}

type KeySet = ReturnType<typeof createLocalJWKSet>

/** Imported keys by the text of their set: the log gives the same set as another object each time. */
const keySets = createBoundedCache<{ readonly text: string; readonly keys: KeySet }>({
  maxBytes: 8 * 1024 * 1024,
  bytesOf: ({ text }) => 2 * bytesOfText(text), // the text, and the keys that were made of it
})

function keySetOf(jwks: object): KeySet {
  const text = JSON.stringify(jwks)
  const known = keySets.get(text)
  if (known !== undefined) return known.keys
  // What older versions took and could not be used, or only by everybody: by an exponent of 1 everybody signs.
  const sound = (jwks as JSONWebKeySet).keys.filter((key) => flawOf({ ...key, kid: undefined }) === undefined)
  const keys = createLocalJWKSet({ keys: sound })
  keySets.set(text, { text, keys })
  return keys
}

/** The payload of a JWT that one of the keys signed; each is tried when the JWT does not say which. */
async function signedBy(jwks: object, jwt: string, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(jwt, keySetOf(jwks), options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return (await jwtVerify(jwt, key, options)).payload
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed)) throw failure
      }
    }
    throw error
  }
}

/** What is checked beyond the signature, issuer, subject and time. */
function checked({ aud, jti, exp = 0, iat }: JWTPayload, audience: readonly string[], now: number): VerifiedAssertion {
  const meant = [aud ?? []].flat()
  // With a stranger among them, whoever it was sent to first could send it on to us.
  if (meant.length === 0 || !meant.every((each) => audience.includes(each)))
    throw new InvalidClient('the aud of the assertion is not exactly this endpoint or the issuer')
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI || !jti.isWellFormed())
    throw new InvalidClient('the jti of the assertion is missing or too long')
  if (exp > now + LONGEST_LIFE + SKEW) throw new InvalidClient('the assertion expires too far in the future')
  if (iat !== undefined && iat > now + SKEW) throw new InvalidClient('the assertion was issued in the future')
  return { jti, exp: Math.floor(exp) }
}

/** An assertion whose signature and claims are right; whether it was used before is for the log to say. */
export interface VerifiedAssertion {
  readonly jti: string
  readonly exp: number
}

/**
 * Checks a `private_key_jwt`, RFC 7523 §3, save whether it was used before.
 *
 * @throws {InvalidClient} when it is not from this client, not for us alone, or not of now.
 */
export async function verifyAssertion(
  assertion: string,
  { clientId, jwks, audience }: Asserting,
  clock: Clock,
): Promise<VerifiedAssertion> {
  try {
    const payload = await signedBy(jwks, assertion, {
      issuer: clientId,
      subject: clientId,
      algorithms: ASSERTION_ALGS,
      clockTolerance: SKEW,
      currentDate: new Date(clock.nowMs()),
      requiredClaims: ['exp', 'jti', 'aud'],
    })
    return checked(payload, audience, clock.now())
  } catch (error) {
    if (error instanceof InvalidClient) throw error
    throw new InvalidClient('the assertion cannot be verified', { cause: error })
  }
}

/**
 * Uses the `jti` of an assertion up: whichever replica sees it again refuses it.
 *
 * @throws {InvalidClient} when it was used before.
 */
export async function useUp(
  { jti, exp }: VerifiedAssertion,
  clientId: string,
  { log, keyedHash, context }: AssertionDependencies & { readonly context: CommandContext },
): Promise<void> {
  const stream = assertionStream.of(keyedHash(`${clientId} ${jti}`))
  try {
    const used = { type: 'AssertionUsed', data: { client_id: clientId, exp } } as const
    await log.append(stream, [used], { expected: 'noStream', context })
  } catch (error) {
    if (error instanceof Conflict) throw new InvalidClient('the assertion was already used', { cause: error })
    throw error
  }
}

/** Keys that signed nothing: what the assertion of an unknown client is checked with, so that it takes as long. */
export const NOBODYS_KEYS: object = {
  keys: [
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'jwk' }),
    generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
    {
      kty: 'RSA',
      e: 'AQAB',
      n: Buffer.concat([Buffer.of(0xc1), randomBytes(254), Buffer.of(1)]).toString('base64url'),
    },
  ],
}
