import { setTimeout as pause } from 'node:timers/promises'
import { Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import { type Cause, causeOf, isLasting, sentenceOf } from './cause.ts'
import { type ConnectionOptions, openConnection } from './connection.ts'
import { namedHosts, parseConnectionString } from './connection-string.ts'
import { ServerUnusable } from './failure.ts'
import { probe } from './probe.ts'
import { allRequest } from './read-request.ts'
import { readFrom } from './reading.ts'

export interface UsableOptions extends Pick<ConnectionOptions, 'url' | 'attemptMs' | 'setting'> {
  /** Milliseconds to wait for a server that is not reachable or not ready. */
  readonly patienceMs: number
  /** Called once, when it has to wait. */
  onWaiting?(why: string): void
}

/** The server cannot be used; the message says why, without secrets. */
export class Unusable extends Error {
  readonly code = 'ERR_UNUSABLE_STORE'
  override readonly name = 'Unusable'
}

const SETTING = 'LEDGATE_EVENTSTOREDB_URL'
const PAUSE_MS = 250
const PROBE_MS = 2_000

/**
 * Waits until a server can be used: its leader answers, and the user may read the whole log.
 *
 * @param work further calls that the server must be able to do; retried until it can.
 * @throws {Unusable} when the server cannot be used in time, or at once if waiting would not help.
 */
export async function whenUsable<Result>(options: UsableOptions, work: () => Promise<Result>): Promise<Result> {
  const { url, attemptMs, setting = SETTING } = options
  const until = performance.now() + options.patienceMs
  const connection = openConnection({ url, setting, ...(attemptMs !== undefined && { attemptMs }) })
  let isToldOf = false
  try {
    for (;;) {
      try {
        await readFrom(connection, '$all', allRequest('backwards', undefined, 1))
        return await work()
      } catch (error) {
        if (!(error instanceof Unavailable || error instanceof UnknownOutcome)) throw error
        const cause = await lookInto(url, error)
        const sentence = sentenceOf(cause, innermost(error)).replaceAll(SETTING, setting)
        if (isLasting(cause) || performance.now() >= until) throw new Unusable(sentence, { cause: error })
        if (!isToldOf) options.onWaiting?.(sentence)
        isToldOf = true
        await pause(PAUSE_MS)
      }
    }
  } finally {
    await connection.close()
  }
}

/** The client's own error, which contains the cause. */
function innermost(error: unknown): unknown {
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error
}

/** The cause of a failure, from the client's error and from probes of the nodes in the URL. */
async function lookInto(url: string, error: Unavailable | UnknownOutcome): Promise<Cause> {
  const inner = innermost(error)
  const cause = error instanceof ServerUnusable ? error.why : causeOf(inner, error instanceof UnknownOutcome)
  const { hosts, isTls, caFile, hasUser } = readUrl(url)
  if (cause === 'mayNotRead' && !hasUser) return 'noUser'
  if (cause !== 'noServer' && cause !== 'silent' && cause !== 'unknown') return cause
  const found = await Promise.all(hosts.map((host) => probe({ host, isTls, caFile, timeoutMs: PROBE_MS })))
  const lasting = found.find((each) => each !== undefined && isLasting(each))
  if (!found.includes(undefined)) return lasting ?? 'noServer'
  if (cause !== 'noServer') return cause
  // A node is reachable, but there was no connection to the cluster, or to the node that is reported to lead.
  return /Failed to discover/.test(String(inner)) ? 'noLeader' : 'leaderAway'
}

/** The parts of a connection string that a probe needs. */
function readUrl(url: string) {
  const { options, userinfo } = parseConnectionString(url)
  const { tls, tlsCAFile: caFile } = options
  return {
    hosts: namedHosts(url),
    isTls: tls !== false,
    caFile: typeof caFile === 'string' ? caFile : undefined,
    hasUser: userinfo !== '',
  }
}
