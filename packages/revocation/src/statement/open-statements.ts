import {
  isSignedBy,
  isSignedByAside,
  LONGEST_KID,
  type PublicKey,
  type VerificationKey,
  verificationKey,
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
 * It answers `undefined` only when the issuer surely has no such key: a message that names it is then passed over. While
 * that cannot be known, it rejects; whoever follows a feed then goes no further, for the message may be a notice.
 */
export type FindKey = (kid: string, message?: ArrivedMessage) => Promise<PublicKey | undefined>

/** The message that names a key. */
export interface ArrivedMessage {
  /**
   * When its reader had it, in milliseconds of a clock that never goes back. A key set that was asked for later and does not have
   * the key is a sure answer for each message that was there by then: however many names a stranger makes up, they cost one look.
   */
  readonly arrivedAt: number
}

export interface OpenStatements {
  readonly issuer: string
  readonly keyFor: FindKey
}

const Header = z.object({ alg: z.string(), typ: z.string(), kid: z.string().min(1).max(LONGEST_KID) })
type Header = z.infer<typeof Header>

/** Of base64url without padding, RFC 7515 §2. */
const LETTERS = /^[\w-]*$/

/** What a header says; not to be believed yet, but it already sorts out most of what is none of ours. */
function readHeader(encoded: string): Header {
  if (!LETTERS.test(encoded)) throw new InvalidStatement('malformed')
  const decoded = attempt('malformed', () => decodeProtectedHeader({ protected: encoded }))
  if ('crit' in decoded) throw new InvalidStatement('crit')
  const header = attempt('malformed', () => Header.parse(decoded))
  if (!MAX_LENGTH.has(header.typ)) throw new InvalidStatement('typ')
  if (!FEED_ALGORITHMS.some((alg) => alg === header.alg)) throw new InvalidStatement('alg')
  return header
}

/** Of a feed there is one for each key and type: what follows is quicker than to read one. */
const MOST_HEADERS = 32
const headers = new Map<string, Header>()

function headerOf(encoded: string): Header {
  const known = headers.get(encoded)
  if (known !== undefined) return known
  const header = readHeader(encoded)
  if (headers.size >= MOST_HEADERS) headers.clear()
  // A copy: a piece of a text keeps all of it in memory.
  headers.set(Buffer.from(encoded, 'latin1').toString('latin1'), header)
  return header
}

/** The parts of a compact JWS, RFC 7515 §7.1, none of them believed yet. */
interface Parts {
  readonly header: Header
  readonly input: Buffer
  readonly payload: Buffer
  readonly signature: Buffer
}

/**
 * Its own way of reading a JWS: how long one may be depends on its type, which is known before the rest is decoded, and in
 * what spelling a notice comes is nobody's concern.
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

/** A key of a feed, made ready once; `undefined` when it is none that a feed may sign with. */
function keyOfFeed(given: PublicKey): VerificationKey | undefined {
  const ready = known.get(given) ?? verificationKey(given, FEED_ALGORITHMS)
  if (ready !== undefined) known.set(given, ready)
  return ready
}

async function isSigned({ header, input, signature }: Parts, given: PublicKey, isAside: boolean) {
  const key = keyOfFeed(given)
  if (key?.alg !== header.alg) return false
  try {
    return isAside ? await isSignedByAside(key, input, signature) : isSignedBy(key, input, signature)
  } catch (cause) {
    throw new InvalidStatement('signature', { cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** @throws {TypeError} when claims say no issuer. */
function issuerOf(claims: unknown): string {
  if (typeof claims === 'object' && claims !== null && 'iss' in claims && typeof claims.iss === 'string')
    return claims.iss
  throw new TypeError('no issuer')
}

/** How a statement is opened. */
export interface OpenOptions {
  /** Lets another thread look at the signature, which is worth it for many at a time. */
  readonly isAside?: boolean | undefined
  /** When its reader had it: {@link ArrivedMessage.arrivedAt}. */
  readonly arrivedAt?: number | undefined
}

/** Opens the statements of one issuer. */
export function openStatements({ issuer, keyFor }: OpenStatements): {
  open(jws: string, options?: OpenOptions): Promise<FeedStatement>
} {
  return {
    /**
     * What a message says, when the issuer said it: signed by a key of the issuer, of the right type and form.
     *
     * @throws {InvalidStatement} for everything else.
     * @throws whatever `keyFor` rejects with: then it is not known.
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
