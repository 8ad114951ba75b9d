import type { EventStoreDBClient } from '@eventstore/db-client'
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
 * Appends, and tries the very same append again while its outcome is not known: the server knows it by its ids.
 *
 * @throws {Conflict | TooLarge | Unavailable | UnknownOutcome}
 */
export async function append(connection: Connection, request: AppendRequest): Promise<Appended> {
  let unsettled: unknown
  try {
    return await connection.call((client) =>
      callOn(client, connection.attemptMs)
        .append(request)
        .catch((error: unknown) => {
          if (isUnsettled(error)) unsettled = error
          throw error
        }),
    )
  } catch (error) {
    const failure = appendFailure(request.stream, error)
    throw failure instanceof Unavailable && unsettled !== undefined ? appendFailure(request.stream, unsettled) : failure
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
