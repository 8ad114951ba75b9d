import { DeadlineExceededError, TimeoutError, WrongExpectedVersionError } from '@eventstore/db-client'
import { type Decision, decisionUnderWay, UnknownOutcome } from '@ledgate/eventsourcing'
import { append, tryOn } from './append.ts'
import type { Appended, AppendRequest } from './append-call.ts'
import type { Connection } from './connection.ts'
import { type Dependence, dependenceOf, dependOn } from './dependence.ts'
import { adviceOn, appendFailure, isUnsettled, LeftBehind } from './failure.ts'
import { linkOn, type NodeLink } from './node-link.ts'
import { look } from './settling.ts'

/**
 * Appends the result of a decision. If the decision depends on the answers of a node, the append goes to that node only: another
 * one may have events that contradict it. In that case the decision restarts, but only once it is certain that the append is
 * not in the log.
 *
 * @throws {DecideAgain} when it was not written and will not be written.
 * @throws {Conflict | TooLarge | AppendRefused | Unavailable | UnknownOutcome}
 */
export function appendDecided(connection: Connection, request: AppendRequest): Promise<Appended> {
  const decision = decisionUnderWay()
  const dependence = decision && dependenceOf(decision, connection)
  if (decision !== undefined && dependence !== undefined)
    return appendOnce(connection, request, { decision, dependence })
  return append(connection, request, (link) => confirmConflict(connection, link, decision))
}

/** A refusal depends on the events of the node, as a read does. */
async function confirmConflict(connection: Connection, link: NodeLink, decision: Decision | undefined): Promise<void> {
  const asked = link.sent
  if (decision?.isOpen()) dependOn(decision, connection, { link, asked })
  else if (!(await link.confirms(asked))) throw new LeftBehind()
}

interface Deciding {
  readonly decision: Decision
  readonly dependence: Dependence
}

/**
 * An append whose outcome is unknown is sent once, and looked for when it is repeated. One that was refused was not written: the
 * next run of the decision uses the same ids for a different append.
 */
function appendOnce(connection: Connection, request: AppendRequest, deciding: Deciding): Promise<Appended> {
  const { dependence } = deciding
  const { appends, asked } = dependence
  const [{ id } = { id: '' }] = request.events
  const before = appends.get(id)
  const appended =
    before === undefined
      ? send(connection, request, deciding)
      : before.catch((error: unknown) => {
          if (!(error instanceof UnknownOutcome)) throw error
          return lookAgain(connection, request, { ...deciding, cause: error })
        })
  appends.set(id, appended)
  appended.catch((error: unknown) => {
    if (!(error instanceof UnknownOutcome) && appends.get(id) === appended) appends.delete(id)
  })
  // It was sent to the node that had answered before: its commit proves that this node led, however it became known.
  return appended.then((result) => {
    dependence.proved = Math.max(dependence.proved, asked)
    return result
  })
}

async function send(
  connection: Connection,
  request: AppendRequest,
  { decision, dependence }: Deciding,
): Promise<Appended> {
  const client = connection.client()
  const link = await linkOn(client, connection).catch((error: unknown) => {
    connection.refused(client, error)
    return decision.restart(error)
  })
  if (link !== dependence.link) decision.restart()
  try {
    return await tryOn(link, client, connection, request)
  } catch (error) {
    // A node that answers reads and commits nothing may have been replaced as the leader.
    connection.refused(client, error instanceof TimeoutError ? new DeadlineExceededError() : error)
    if (error instanceof WrongExpectedVersionError) await confirmConflict(connection, link, decision)
    if (isUnsettled(error)) return lookAgain(connection, request, { decision, dependence, cause: error })
    if (adviceOn(error) !== 'none') decision.restart(error)
    throw appendFailure(request, error)
  }
}

/**
 * Looks for an append whose outcome is unknown, after a read barrier that was sent later: if the append is not in the log then, it
 * was lost with its connection, or will be truncated with the other events that only its node has.
 */
async function lookAgain(
  connection: Connection,
  request: AppendRequest,
  { decision, cause }: Deciding & { readonly cause: unknown },
): Promise<Appended> {
  let found: Appended | undefined
  try {
    found = await connection.call(async (client) => {
      const link = await linkOn(client, connection)
      if (!(await link.confirms(link.sent))) throw new LeftBehind()
      // On the node that was just confirmed: the client may use another one by now, whose lack of the append proves nothing.
      return look(client, connection, request, link.streams)
    })
  } catch {
    throw cause instanceof UnknownOutcome ? cause : appendFailure(request, cause)
  }
  return found ?? decision.restart(cause)
}
