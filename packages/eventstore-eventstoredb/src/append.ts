import {
  DeadlineExceededError,
  type EventStoreDBClient,
  TimeoutError,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import { Unavailable } from '@ledgate/eventsourcing'
import type { Appended, AppendRequest, ProposedEvent } from './append-call.ts'
import type { Connection } from './connection.ts'
import { adviceOn, appendFailure, isUnsettled } from './failure.ts'
import { linkOn, type NodeLink } from './node-link.ts'
import { lookFor } from './settling.ts'

/**
 * One attempt: waits for the answer, and looks for the append in its stream meanwhile. The server drops the repetition of an
 * append that no majority has yet, and reports that only after its own time limit.
 *
 * @throws the client's errors; `TimeoutError` for an append without an answer at a node that answers readers.
 */
export async function tryOn(
  link: NodeLink,
  client: EventStoreDBClient,
  connection: Connection,
  request: AppendRequest,
): Promise<Appended> {
  const pending = link.append(request)
  const looking = lookFor(client, connection, request, pending)
  try {
    return await pending.answer
  } catch (error) {
    if (isUnsettled(error) || adviceOn(error) !== 'none') link.end()
    if (!(error instanceof DeadlineExceededError) || !looking.isAnswered()) throw error
    throw new TimeoutError(undefined, `${error.message}, while the node answers readers`)
  } finally {
    looking.stop()
  }
}

/** Checks the error of an append that a node refused because of the events in its log; throws the error that applies. */
type Judge = (link: NodeLink, error: unknown) => Promise<void>

/**
 * Appends, and repeats the same append while its outcome is unknown: the server recognizes the event ids.
 *
 * @throws {Conflict | TooLarge | AppendRefused | Unavailable | UnknownOutcome}
 */
export async function append(
  connection: Connection,
  request: AppendRequest,
  judge: Judge = async () => undefined,
): Promise<Appended> {
  let unsettled: unknown
  let used: EventStoreDBClient | undefined
  try {
    return await connection.call(async (client) => {
      used = client
      const link = await linkOn(client, connection)
      try {
        return await tryOn(link, client, connection, request)
      } catch (error) {
        if (error instanceof WrongExpectedVersionError) await judge(link, error)
        else if (isUnsettled(error)) unsettled = error
        throw error
      }
    })
  } catch (error) {
    const failure = appendFailure(request, error)
    // A node that answers reads and commits nothing may have been replaced as the leader without knowing it.
    if (used && error instanceof TimeoutError) connection.refused(used, new DeadlineExceededError())
    throw failure instanceof Unavailable && unsettled !== undefined ? appendFailure(request, unsettled) : failure
  }
}

/** An event of an internal stream, without metadata about its author. */
export const asideEvent = (
  type: string,
  data: ProposedEvent['data'],
  id: string = crypto.randomUUID(),
): ProposedEvent => ({
  id,
  type,
  data,
  metadata: {},
})

/** Lets EventStoreDB keep only the last event of a stream, by the metadata of the stream (`$$<name>`). */
export const keepLastOnly = (connection: Connection, stream: string): Promise<Appended> =>
  append(connection, { stream: `$$${stream}`, events: [asideEvent('$metadata', { $maxCount: 1 })], expected: 'any' })
