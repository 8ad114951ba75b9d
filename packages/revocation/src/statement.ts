import type { KeyObject } from 'node:crypto'
import { isSignedBy, isSignedByAside, LONGEST_KID, type VerificationKey, verificationKey } from '@ledgate/jws'
import { type CryptoKey, decodeProtectedHeader } from 'jose'
import { z } from 'zod'
import { InvalidStatement } from './invalid-statement.ts'
import type { FeedStatement, IssuedStatement } from './notice.ts'
import { heartbeatClaims, noticeClaims, readSecurityEvent } from './security-event.ts'
import { CHUNK_SIZE, chunkClaims, readChunk } from './snapshot-chunk.ts'

/** `typ` of notices and heartbeats: RFC 8417 §2.3. */
export const SET_TYPE = 'secevent+jwt'
/** `typ` of a part of a snapshot. */
export const SNAPSHOT_TYPE = 'revocation-snapshot+jwt'

/** By what statements of a feed are signed, whatever tokens are: docs/revocation-notices.md. */
export const FEED_ALGORITHMS = ['ES256', 'EdDSA', 'RS256'] as const

/** Characters that a compact JWS of each type may have; a longer one is not even decoded. */
const LONGEST = new Map([
  [SET_TYPE, 64 * 1024],
  [SNAPSHOT_TYPE, 4 * 1024 * 1024],
])
const LONGEST_OF_ALL = Math.max(...LONGEST.values())
const LONGEST_HEADER = 2_048

/** Signs as the key of the feed. The header it makes says `alg`, `kid` and this `typ`. */
export interface StatementSigner {
  readonly kid: string
  sign(header: { readonly typ: string }, payload: object): Promise<string>
}

export interface EncodeStatement {
  readonly issuer: string
  readonly signer: StatementSigner
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/**
 * Finds the public key with an id.
 *
 * It answers `undefined` only when the issuer surely has no such key: a message that names it is then passed over. While
 * that cannot be known, it rejects; whoever follows a feed then goes no further, for the message may be a notice.
 */
export type FindKey = (kid: string, message?: ArrivedMessage) => Promise<CryptoKey | KeyObject | undefined>

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

function typed(statement: IssuedStatement, issuer: string): { readonly typ: string; readonly claims: object } {
  switch (statement.kind) {
    case 'notice':
      return { typ: SET_TYPE, claims: noticeClaims(statement, issuer) }
    case 'heartbeat':
      return { typ: SET_TYPE, claims: heartbeatClaims(statement, issuer) }
    case 'chunk':
      return { typ: SNAPSHOT_TYPE, claims: chunkClaims(statement) }
  }
}

/**
 * A statement as a signed compact JWS that every reader of this version opens.
 *
 * @throws {RangeError} when it is longer than a reader takes: a chunk must then say less.
 */
export async function encodeStatement(
  statement: IssuedStatement,
  { issuer, signer, now = Date.now }: EncodeStatement,
): Promise<string> {
  if (statement.kind === 'chunk' && statement.ended.length > CHUNK_SIZE)
    throw new RangeError(`a chunk has at most ${CHUNK_SIZE} entries`)
  const { typ, claims } = typed(statement, issuer)
  const jws = await signer.sign({ typ }, { iss: issuer, iat: Math.floor(now() / 1000), ...claims })
  if (jws.length > (LONGEST.get(typ) ?? 0)) throw new RangeError('the statement is longer than a reader takes')
  return jws
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
  if (!LONGEST.has(header.typ)) throw new InvalidStatement('typ')
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
  if (jws.length > LONGEST_OF_ALL) throw new InvalidStatement('too_large')
  const end = jws.indexOf('.')
  const last = jws.lastIndexOf('.')
  if (end < 0 || end > LONGEST_HEADER) throw new InvalidStatement('malformed')
  const header = headerOf(jws.slice(0, end))
  if (jws.length > (LONGEST.get(header.typ) ?? 0)) throw new InvalidStatement('too_large')
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
function keyOfFeed(given: CryptoKey | KeyObject): VerificationKey | undefined {
  const ready = known.get(given) ?? verificationKey(given, FEED_ALGORITHMS)
  if (ready !== undefined) known.set(given, ready)
  return ready
}

async function isSigned({ header, input, signature }: Parts, given: CryptoKey | KeyObject, isAside: boolean) {
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
