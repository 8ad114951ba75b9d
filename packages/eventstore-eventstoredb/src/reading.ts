import { convertToCommandError, DeadlineExceededError, type EventStoreDBClient } from '@eventstore/db-client'
import type { ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import { StreamNotFound } from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { readFailure } from './failure.ts'
import { streamsOf } from './inside.ts'
import { type Recorded, receivedEvent } from './recorded.ts'

/** What a read of a stream brings; `undefined` when the stream is not there. */
type Found = readonly Recorded[] | undefined

/**
 * One `Read` call, to its end.
 *
 * @throws after `attemptMs` without an event: the node is taken to hang.
 */
async function collect(
  client: EventStoreDBClient,
  request: ReadReq,
  { attemptMs: ms, requiresLeader }: Pick<Connection, 'attemptMs' | 'requiresLeader'>,
): Promise<Found> {
  const { service, call, failed } = await streamsOf(client, requiresLeader)
  const reading = service.read(request, ...call)
  const events: Recorded[] = []
  let isThere = true
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reading.cancel()
      reject(new DeadlineExceededError(undefined, `nothing came for ${ms} ms`))
    }, ms)
    reading.on('data', (response: ReadResp) => {
      timer.refresh()
      const event = response.getEvent()?.getEvent()
      if (event) events.push(receivedEvent(event))
      else if (response.hasStreamNotFound()) isThere = false
    })
    reading.on('end', () => {
      clearTimeout(timer)
      resolve(isThere ? events : undefined)
    })
    reading.on('error', (error: Error) => {
      clearTimeout(timer)
      failed(error)
      reject(convertToCommandError(error))
    })
  })
}

/**
 * Reads to the end, from the leader, trying again where that helps.
 *
 * @param check throws when what was found is no answer: another node is asked.
 * @throws {StreamNotFound} when the stream has no event.
 * @throws {Unavailable} when no leader answers.
 */
export async function readFrom(
  connection: Connection,
  stream: string,
  request: ReadReq,
  check: (found: readonly Recorded[]) => void = () => undefined,
): Promise<readonly Recorded[]> {
  let found: Found
  try {
    found = await connection.call(async (client) => {
      const events = await collect(client, request, connection)
      if (events !== undefined) check(events)
      return events
    })
  } catch (error) {
    throw readFailure(error)
  }
  if (found === undefined) throw new StreamNotFound(stream)
  return found
}
