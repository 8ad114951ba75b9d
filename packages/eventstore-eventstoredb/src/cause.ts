import { ErrorType, isCommandError } from '@eventstore/db-client'
import { status } from '@grpc/grpc-js'

/**
 * Why a server cannot be used, as a sentence for operators; docs/operations.md says for each what to do. None of them repeats the
 * value of the setting, which may contain a password.
 */
export const CAUSES = {
  noServer: 'no server can be reached at LEDGATE_EVENTSTOREDB_URL',
  silent: 'the server at LEDGATE_EVENTSTOREDB_URL takes connections and does not answer',
  otherAuthority:
    'the certificate of the server at LEDGATE_EVENTSTOREDB_URL is not signed by an authority that is trusted here (tlsCAFile)',
  otherName: 'the certificate of the server at LEDGATE_EVENTSTOREDB_URL is not of the name that the setting says',
  speaksTls: 'the server at LEDGATE_EVENTSTOREDB_URL speaks TLS, and the setting says tls=false',
  speaksPlain: 'the server at LEDGATE_EVENTSTOREDB_URL does not speak TLS, and the setting does not say tls=false',
  wrongPassword: 'the server at LEDGATE_EVENTSTOREDB_URL does not know this user by this password',
  noUser: 'LEDGATE_EVENTSTOREDB_URL names no user, and the server asks for one',
  mayNotRead: 'the user of LEDGATE_EVENTSTOREDB_URL may not read the whole log: it needs the right to read $all',
  mayNotWrite:
    'the user of LEDGATE_EVENTSTOREDB_URL may not write: it needs the right to write, and to delete, streams',
  noLeader: 'the server at LEDGATE_EVENTSTOREDB_URL answers, and is not ready: no node of its cluster leads',
  leaderAway:
    'LEDGATE_EVENTSTOREDB_URL leads to a node that follows, and the one that leads cannot be reached: name every node, by names that can be reached from here',
  unknown: 'the server at LEDGATE_EVENTSTOREDB_URL cannot be used now',
} as const

export type Cause = keyof typeof CAUSES

/** The causes for which waiting does not help. */
const LASTING: ReadonlySet<Cause> = new Set([
  'otherAuthority',
  'otherName',
  'speaksTls',
  'speaksPlain',
  'wrongPassword',
  'noUser',
  'mayNotRead',
  'mayNotWrite',
])
export const isLasting = (cause: Cause): boolean => LASTING.has(cause)

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** The messages of grpc-js and Node for a failed connection, in the order in which they are checked. */
const TEXTS: readonly (readonly [RegExp, Cause])[] = [
  [/altnames|ERR_TLS_CERT_ALTNAME_INVALID/, 'otherName'],
  [/wrong version number|packet length too long|0A00010B|0A0000C6/, 'speaksPlain'],
  [/certificate|unable to verify/i, 'otherAuthority'],
  [/Server (?:Is )?Not Ready|No leader info/i, 'noLeader'],
  [/Name resolution failed|ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|No connection established/, 'noServer'],
  [/Failed to discover/, 'noServer'],
]

/**
 * The cause of a failed call, as far as its error tells.
 *
 * @param isWriting whether the call was a write, which determines the permission that is missing.
 */
export function causeOf(error: unknown, isWriting: boolean): Cause {
  if (error instanceof Error && isCommandError(error)) {
    const { type } = error
    if (type === ErrorType.ACCESS_DENIED) {
      if ('code' in error && error.code === status.UNAUTHENTICATED) return 'wrongPassword'
      return isWriting ? 'mayNotWrite' : 'mayNotRead'
    }
    if (type === ErrorType.NOT_LEADER) return 'leaderAway'
    if (type === ErrorType.DEADLINE_EXCEEDED) return 'silent'
  }
  const text = textOf(error)
  return TEXTS.find(([pattern]) => pattern.test(text))?.[1] ?? 'unknown'
}

/** The sentence for a cause, with the server's own message if the cause is unknown. */
export const sentenceOf = (cause: Cause, error?: unknown): string =>
  cause === 'unknown' && error !== undefined ? `${CAUSES.unknown}: ${textOf(error)}` : CAUSES[cause]
