import { compactVerify, type CryptoKey, decodeProtectedHeader, errors, type KeyObject } from 'jose'
import { z } from 'zod'
import { InvalidStatement } from './invalid-statement.ts'
import type { FeedStatement, IssuedStatement } from './notice.ts'
import { heartbeatClaims, noticeClaims, readSecurityEvent } from './security-event.ts'
import { CHUNK_SIZE, chunkClaims, readChunk } from './snapshot-chunk.ts'

/** `typ` of notices and heartbeats: RFC 8417 §2.3. */
export const SET_TYPE = 'secevent+jwt'
/** `typ` of a part of a snapshot. */
export const SNAPSHOT_TYPE = 'revocation-snapshot+jwt'

/** Characters that a compact JWS of each type may have; a longer one is not even decoded. */
const LONGEST = new Map([
  [SET_TYPE, 64 * 1024],
  [SNAPSHOT_TYPE, 4 * 1024 * 1024],
])
const LONGEST_OF_ALL = Math.max(...LONGEST.values())
const LONGEST_HEADER = 2_048

const ALGORITHMS = ['ES256', 'EdDSA', 'RS256']

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
 * Finds the public key with an id, as `jose` takes it.
 *
 * It answers `undefined` only when the issuer surely has no such key: a message that names it is then passed over. While
 * that cannot be known, it rejects; whoever follows a feed then goes no further, for the message may be a notice.
 */
export type FindKey = (kid: string) => Promise<CryptoKey | KeyObject | undefined>

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

const Header = z.object({ alg: z.string(), typ: z.string(), kid: z.string().min(1).max(255) })

/** The header of a message, which is not to be believed yet but already sorts out most of what is none of ours. */
function headerOf(jws: string): z.infer<typeof Header> {
  if (jws.length > LONGEST_OF_ALL) throw new InvalidStatement('too_large')
  const end = jws.indexOf('.')
  if (end < 0 || end > LONGEST_HEADER) throw new InvalidStatement('malformed')
  const decoded = attempt('malformed', () => decodeProtectedHeader(jws))
  if ('crit' in decoded) throw new InvalidStatement('crit')
  const header = attempt('malformed', () => Header.parse(decoded))
  const longest = LONGEST.get(header.typ)
  if (longest === undefined) throw new InvalidStatement('typ')
  if (jws.length > longest) throw new InvalidStatement('too_large')
  if (!ALGORITHMS.includes(header.alg)) throw new InvalidStatement('alg')
  return header
}

function attempt<Result>(reason: InvalidStatement['reason'], make: () => Result): Result {
  try {
    return make()
  } catch (cause) {
    throw new InvalidStatement(reason, { cause })
  }
}

async function verified(jws: string, key: CryptoKey | KeyObject): Promise<Uint8Array> {
  try {
    return (await compactVerify(jws, key, { algorithms: ALGORITHMS })).payload
  } catch (cause) {
    throw new InvalidStatement(cause instanceof errors.JWSInvalid ? 'malformed' : 'signature', { cause })
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true })
const Issued = z.object({ iss: z.string() })

/** Opens the statements of one issuer. */
export function openStatements({ issuer, keyFor }: OpenStatements): { open(jws: string): Promise<FeedStatement> } {
  return {
    /**
     * What a message says, when the issuer said it: signed by a key of the issuer, of the right type and form.
     *
     * @throws {InvalidStatement} for everything else.
     * @throws whatever `keyFor` rejects with: then it is not known.
     */
    async open(jws) {
      const { typ, kid } = headerOf(jws)
      const key = await keyFor(kid)
      if (key === undefined) throw new InvalidStatement('unknown_key')
      const payload = await verified(jws, key)
      const claims: unknown = attempt('payload', () => JSON.parse(utf8.decode(payload)))
      if (attempt('payload', () => Issued.parse(claims)).iss !== issuer) throw new InvalidStatement('issuer')
      return attempt('payload', () => (typ === SNAPSHOT_TYPE ? readChunk(claims) : readSecurityEvent(claims, issuer)))
    },
  }
}
