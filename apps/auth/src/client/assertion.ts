import { Conflict } from '@ledgate/eventsourcing'
import { InvalidClient } from '@ledgate/oauth'
import { createLocalJWKSet, decodeJwt, errors, type JSONWebKeySet, jwtVerify } from 'jose'
import type { Clock, CommandContext, EventLog, KeyedHash } from '../log/index.ts'

/** RFC 7523 §2.2. */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Asymmetric signatures only: a client's public key must never be taken for a shared secret. */
export const ASSERTION_ALGS = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
]

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
  throw new InvalidClient('the assertion is no JWT with a sub')
}

export interface AssertionDependencies {
  readonly log: EventLog
  readonly keyedHash: KeyedHash
  readonly clock: Clock
  /** Whom an assertion may be meant for: the issuer, or the endpoint it is sent to. */
  readonly audience: readonly string[]
}

/** Someone with an id and public keys. */
export interface Asserting {
  readonly clientId: string
  readonly jwks: object
}

const keySets = new WeakMap<object, ReturnType<typeof createLocalJWKSet>>()

function keySetOf(jwks: object): ReturnType<typeof createLocalJWKSet> {
  const known = keySets.get(jwks)
  if (known !== undefined) return known
  const made = createLocalJWKSet(jwks as JSONWebKeySet)
  keySets.set(jwks, made)
  return made
}

/**
 * Proves a `private_key_jwt`, RFC 7523 §3, and uses its `jti` up: whichever replica sees it again refuses it.
 *
 * @throws {InvalidClient} when it is not from this client, not for us, not of now, or was used before.
 */
export async function proveAssertion(
  assertion: string,
  { clientId, jwks }: Asserting,
  { log, keyedHash, clock, audience, context }: AssertionDependencies & { readonly context: CommandContext },
): Promise<void> {
  const { jti, exp } = await verify(assertion)
  const stream = `assertion-${keyedHash(`${clientId} ${jti}`)}`
  try {
    const used = { type: 'AssertionUsed', data: { client_id: clientId, exp } } as const
    await log.append(stream, [used], { expected: 'noStream', context })
  } catch (error) {
    if (error instanceof Conflict) throw new InvalidClient('the assertion was used before', { cause: error })
    throw error
  }

  async function verify(jwt: string): Promise<{ jti: string; exp: number }> {
    try {
      const { payload } = await jwtVerify(jwt, keySetOf(jwks), {
        issuer: clientId,
        subject: clientId,
        audience: [...audience],
        algorithms: ASSERTION_ALGS,
        clockTolerance: SKEW,
        currentDate: new Date(clock.nowMs()),
        requiredClaims: ['exp', 'jti'],
      })
      const { jti: id, exp: until = 0 } = payload
      if (typeof id !== 'string' || id === '' || id.length > MAX_JTI)
        throw new InvalidClient('the jti is no short text')
      if (until > clock.now() + LONGEST_LIFE + SKEW) throw new InvalidClient('the assertion lives too long')
      return { jti: id, exp: Math.floor(until) }
    } catch (error) {
      if (error instanceof InvalidClient) throw error
      throw new InvalidClient('the assertion does not prove the client', { cause: error })
    }
  }
}
