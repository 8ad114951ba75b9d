import { convertToCommandError, DeadlineExceededError, type EventStoreDBClient } from '@eventstore/db-client'
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import { StreamNotFound } from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { isStreamDeleted, readFailure } from './failure.ts'
import { streamsOf } from './inside.ts'
import type { ReadMessage } from './read-response.ts'
import type { Recorded } from './recorded.ts'

/** What a read of a stream brings; `undefined` when the stream is not there. */
export type Found = readonly Recorded[] | undefined

/**
 * One `Read` call, to its end.
 *
 * @throws after `attemptMs` without an event: the node is taken to hang, or no leader was found.
 */
export async function collect(
  client: EventStoreDBClient,
  request: ReadReq,
  { attemptMs: ms, requiresLeader }: Pick<Connection, 'attemptMs' | 'requiresLeader'>,
): Promise<Found> {
  const opening = streamsOf(client, requiresLeader)
  const events: Recorded[] = []
  let isThere = true
  return new Promise((resolve, reject) => {
    let isLate = false
    let cancel = (): void => undefined
    const timer = setTimeout(() => {
      isLate = true
      cancel()
      reject(new DeadlineExceededError(undefined, `nothing came for ${ms} ms`))
    }, ms)
    const fail = (error: unknown): void => {
      clearTimeout(timer)
      reject(error)
    }
    opening
      .then(({ read, failed }) => {
        if (isLate) return
        const reading = read(request)
        cancel = () => reading.cancel()
        reading.on('data', (message: ReadMessage) => {
          timer.refresh()
          if (message.kind === 'event') events.push(message.event)
          else if (message.kind === 'streamNotFound') isThere = false
        })
        reading.on('end', () => {
          clearTimeout(timer)
          resolve(isThere ? events : undefined)
        })
        reading.on('error', (error: Error) => {
          failed(error)
          fail(convertToCommandError(error))
        })
      })
      .catch(fail)
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
    if (isStreamDeleted(error)) throw new StreamNotFound(stream, { cause: error })
    throw readFailure(error)
  }
  if (found === undefined) throw new StreamNotFound(stream)
  return found
}
