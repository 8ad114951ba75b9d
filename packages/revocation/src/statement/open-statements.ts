import {
  isSignedBy,
  isSignedByInBackground,
  LONGEST_KID,
  type PublicKey,
  type VerificationKey,
  toVerificationKey,
} from '@ledgate/jws'
import { decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import { InvalidStatement } from './invalid-statement.ts'
import type { FeedStatement } from './notice.ts'
import { readSecurityEvent } from './security-event.ts'
import { readChunk } from './snapshot-chunk.ts'
import { FEED_ALGORITHMS, MAX_LENGTH, SNAPSHOT_TYPE } from './statement-type.ts'

const LONGEST_STATEMENT = Math.max(...MAX_LENGTH.values())
const LONGEST_HEADER = 2_048

/**
 * Finds the public key with an id.
 *
 * It resolves with `undefined` only if the issuer certainly has no such key: a message that names it is then skipped. While that is
 * unknown it rejects; the follower then stops at the message, which may be a notice.
 */
export type FindKey = (kid: string, message?: ArrivedMessage) => Promise<PublicKey | undefined>

/** The message that names a key. */
export interface ArrivedMessage {
  /**
   * When it arrived, in milliseconds of the monotonic clock. A key set that was requested later and does not have the key is a certain
   * answer for every message that had arrived by then: any number of invented kids costs one fetch.
   */
  readonly arrivedAt: number
}

export interface OpenStatements {
  readonly issuer: string
  readonly keyFor: FindKey
}

const Header = z.object({ alg: z.string(), typ: z.string(), kid: z.string().min(1).max(LONGEST_KID) })
type Header = z.infer<typeof Header>

/** The letters of base64url without padding, RFC 7515 §2. */
const LETTERS = /^[\w-]*$/

/** Parses a header. It is not authenticated yet, but most foreign messages are rejected by it. */
function readHeader(encoded: string): Header {
  if (!LETTERS.test(encoded)) throw new InvalidStatement('malformed')
  const decoded = attempt('malformed', () => decodeProtectedHeader({ protected: encoded }))
  if ('crit' in decoded) throw new InvalidStatement('crit')
  const header = attempt('malformed', () => Header.parse(decoded))
  if (!MAX_LENGTH.has(header.typ)) throw new InvalidStatement('typ')
  if (!FEED_ALGORITHMS.some((alg) => alg === header.alg)) throw new InvalidStatement('alg')
  return header
}

/** A feed has one header for each key and type: a lookup is faster than parsing it. */
const MOST_HEADERS = 32
const headers = new Map<string, Header>()

function headerOf(encoded: string): Header {
  const known = headers.get(encoded)
  if (known !== undefined) return known
  const header = readHeader(encoded)
  if (headers.size >= MOST_HEADERS) headers.clear()
  // A copy, since a substring keeps the whole string in memory.
  headers.set(Buffer.from(encoded, 'latin1').toString('latin1'), header)
  return header
}

/** The parts of a compact JWS, RFC 7515 §7.1, not authenticated yet. */
interface Parts {
  readonly header: Header
  readonly input: Buffer
  readonly payload: Buffer
  readonly signature: Buffer
}

/**
 * Its own parser of compact JWS: the longest length depends on the type, which is known before the rest is decoded, and a notice
 * need not be canonical base64url.
 */
function partsOf(jws: string): Parts {
  if (jws.length > LONGEST_STATEMENT) throw new InvalidStatement('too_large')
  const end = jws.indexOf('.')
  const last = jws.lastIndexOf('.')
  if (end < 0 || end > LONGEST_HEADER) throw new InvalidStatement('malformed')
  const header = headerOf(jws.slice(0, end))
  if (jws.length > (MAX_LENGTH.get(header.typ) ?? 0)) throw new InvalidStatement('too_large')
  const [payload, signature] = [jws.slice(end + 1, last), jws.slice(last + 1)]
  if (last === end || !LETTERS.test(payload) || !LETTERS.test(signature)) throw new InvalidStatement('malformed')
  return {
    header,
    input: Buffer.from(jws.slice(0, last), 'latin1'),
    payload: Buffer.from(payload, 'base64url'),
    signature: Buffer.from(signature, 'base64url'),
  }
}

function attempt<Result>(reason: InvalidStatement['reason'], make: () => Result): Result {
  try {
    return make()
  } catch (cause) {
    throw new InvalidStatement(reason, { cause })
  }
}

const known = new WeakMap<object, VerificationKey>()

/** A key of a feed, prepared once; `undefined` if a feed must not be signed with it. */
function keyOfFeed(given: PublicKey): VerificationKey | undefined {
  const ready = known.get(given) ?? toVerificationKey(given, FEED_ALGORITHMS)
  if (ready !== undefined) known.set(given, ready)
  return ready
}

async function isSigned({ header, input, signature }: Parts, given: PublicKey, isAside: boolean) {
  const key = keyOfFeed(given)
  if (key?.alg !== header.alg) return false
  try {
    return isAside ? await isSignedByInBackground(key, input, signature) : isSignedBy(key, input, signature)
  } catch (cause) {
    throw new InvalidStatement('signature', { cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws {TypeError} if there is no `iss`. */
function issuerOf(claims: unknown): string {
  if (typeof claims === 'object' && claims !== null && 'iss' in claims && typeof claims.iss === 'string')
    return claims.iss
  throw new TypeError('there is no iss')
}

/** How a statement is verified. */
export interface OpenOptions {
  /** Verifies the signature in another thread, which is faster for many at once. */
  readonly isAside?: boolean | undefined
  /** When it arrived: {@link ArrivedMessage.arrivedAt}. */
  readonly arrivedAt?: number | undefined
}

/** Verifies and parses the statements of one issuer. */
export function openStatements({ issuer, keyFor }: OpenStatements): {
  open(jws: string, options?: OpenOptions): Promise<FeedStatement>
} {
  return {
    /**
     * The statement in a message that is signed with a key of the issuer and has the right type and form.
     *
     * @throws {InvalidStatement} for everything else.
     * @throws what `keyFor` rejects with: whether it is a statement is unknown then.
     */
    async open(jws, { isAside = false, arrivedAt } = {}) {
      const parts = partsOf(jws)
      const { typ, kid } = parts.header
      const key = await keyFor(kid, arrivedAt === undefined ? undefined : { arrivedAt })
      if (key === undefined) throw new InvalidStatement('unknown_key')
      if (!(await isSigned(parts, key, isAside))) throw new InvalidStatement('signature')
      const claims: unknown = attempt('payload', () => JSON.parse(utf8.decode(parts.payload)))
      if (attempt('payload', () => issuerOf(claims)) !== issuer) throw new InvalidStatement('issuer')
      return attempt('payload', () => (typ === SNAPSHOT_TYPE ? readChunk(claims) : readSecurityEvent(claims, issuer)))
    },
  }
}
