import type { IssuedStatement } from './notice.ts'
import { heartbeatClaims, noticeClaims } from './security-event.ts'
import { CHUNK_SIZE, chunkClaims } from './snapshot-chunk.ts'
import { MAX_LENGTH, SET_TYPE, SNAPSHOT_TYPE } from './statement-type.ts'

/** Signs with the key of the feed. The header of each signature has `alg`, `kid` and the given `typ`. */
export interface StatementSigner {
  readonly kid: string
  sign(header: { readonly typ: string }, payload: object): Promise<string>
}

export interface EncodeStatement {
  readonly issuer: string
  readonly signer: StatementSigner
  /** Milliseconds since the epoch. Default: the clock of this machine. */
  readonly now?: () => number
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
 * Signs a statement as a compact JWS that every reader of this version accepts.
 *
 * @throws {RangeError} when it would be longer than readers accept: split the chunk.
 */
export async function encodeStatement(
  statement: IssuedStatement,
  { issuer, signer, now = Date.now }: EncodeStatement,
): Promise<string> {
  if (statement.kind === 'chunk' && statement.ended.length > CHUNK_SIZE)
    throw new RangeError(`a snapshot chunk has at most ${CHUNK_SIZE} entries`)
  const { typ, claims } = typed(statement, issuer)
  const jws = await signer.sign({ typ }, { iss: issuer, iat: Math.floor(now() / 1000), ...claims })
  if (jws.length > (MAX_LENGTH.get(typ) ?? 0)) throw new RangeError('the statement is longer than readers accept')
  return jws
}
