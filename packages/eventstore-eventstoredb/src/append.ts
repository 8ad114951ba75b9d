import { DeadlineExceededError, type EventStoreDBClient, TimeoutError } from '@eventstore/db-client'
import { Unavailable } from '@ledgate/eventsourcing'
import {
  type AppendCall,
  type Appended,
  type AppendRequest,
  openAppendCall,
  type ProposedEvent,
} from './append-call.ts'
import type { Connection } from './connection.ts'
import { appendFailure, isUnsettled } from './failure.ts'
import { lookFor } from './settling.ts'

/** The call that is open on each client. */
const calls = new WeakMap<EventStoreDBClient, AppendCall>()

function callOn(client: EventStoreDBClient, deadlineMs: number): AppendCall {
  const open = calls.get(client)
  if (open?.isOpen()) return open
  const call = openAppendCall(client, deadlineMs)
  calls.set(client, call)
  return call
}

/**
 * One try: the answer, or the append itself in its stream. The server drops the repeat of what no majority has yet, and says
 * so only after its own time limit.
 *
 * @throws the client's errors; `TimeoutError` for an append without an answer at a node that answers readers.
 */
async function tryOn(client: EventStoreDBClient, connection: Connection, request: AppendRequest): Promise<Appended> {
  const pending = callOn(client, connection.attemptMs).append(request)
  const looking = lookFor(client, connection, request, pending.sent)
  try {
    return await Promise.race([pending.answer, looking.found])
  } catch (error) {
    if (!(error instanceof DeadlineExceededError) || !looking.isAnswered()) throw error
    throw new TimeoutError(undefined, `${error.message}, while the node answers readers`)
  } finally {
    looking.stop()
    pending.leave()
  }
}

/**
 * Appends, and tries the very same append again while its outcome is not known: the server knows it by its ids.
 *
 * @throws {Conflict | TooLarge | AppendRefused | Unavailable | UnknownOutcome}
 */
export async function append(connection: Connection, request: AppendRequest): Promise<Appended> {
  let unsettled: unknown
  let used: EventStoreDBClient | undefined
  try {
    return await connection.call((client) => {
      used = client
      return tryOn(client, connection, request).catch((error: unknown) => {
        if (isUnsettled(error)) unsettled = error
        throw error
      })
    })
  } catch (error) {
    const failure = appendFailure(request, error)
    // What answers readers and commits nothing may have been replaced as the leader, and not know it yet.
    if (used && error instanceof TimeoutError) connection.refused(used, new DeadlineExceededError())
    throw failure instanceof Unavailable && unsettled !== undefined ? appendFailure(request, unsettled) : failure
  }
}

/** An event of the streams beside the log, which says nothing about who wrote it. */
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

/** Lets EventStoreDB forget all events of a stream but the last: as its metadata, in the stream `$$<name>`. */
export const keepLastOnly = (connection: Connection, stream: string): Promise<Appended> =>
  append(connection, { stream: `$$${stream}`, events: [asideEvent('$metadata', { $maxCount: 1 })], expected: 'any' })
