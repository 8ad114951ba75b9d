import { convertToCommandError, DeadlineExceededError } from '@eventstore/db-client'
import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import { StreamNotFound } from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { type Answer, proved } from './dependence.ts'
import { adviceOn, isStreamDeleted, readFailure } from './failure.ts'
import { type Streams, streamsOf } from './client-internals.ts'
import { linkOn } from './node-link.ts'
import { allRequest } from './read-request.ts'
import type { ReadMessage } from './read-response.ts'
import type { Recorded } from './recorded.ts'

/** The result of a read of a stream; `undefined` when the stream does not exist. */
export type Found = readonly Recorded[] | undefined
/** As {@link Found}, or the error that the stream has a tombstone. */
export type FoundOrEnded = Found | Error

/** How long to wait for a read. */
export interface Patience extends Pick<Connection, 'attemptMs'> {
  /** Aborted when the caller no longer waits for it. */
  readonly signal?: AbortSignal
  /** Sends a small request now and then while the node is silent: a node that searches answers it, one that hangs does not. */
  readonly watch?: { readonly everyMs: number; ask(): Promise<unknown> }
}

/**
 * One `Read` call, to its end.
 *
 * @throws after `attemptMs` without an event: the node hangs, or no leader was found.
 */
export async function collect(
  opening: Promise<Streams>,
  request: ReadReq,
  { attemptMs: ms, signal, watch }: Patience,
): Promise<Found> {
  const events: Recorded[] = []
  let isThere = true
  return new Promise<Found>((resolve, reject) => {
    let isLeft = false
    let isOver = false
    let silentMs = 0
    let cancel = (): void => undefined
    const leave = (error: Error): void => {
      isLeft = true
      cancel()
      fail(error)
    }
    const leaveNow = (): void => leave(new Error('the caller no longer waits for the read'))
    const everyMs = Math.min(watch?.everyMs ?? ms, ms)
    const look = async (): Promise<void> => {
      silentMs += everyMs
      if (watch === undefined || silentMs >= ms)
        return leave(new DeadlineExceededError(undefined, `no data for ${silentMs} ms`))
      try {
        await watch.ask()
        if (!isOver) timer.refresh()
      } catch {
        leave(new DeadlineExceededError(undefined, 'the node that searches does not answer other requests either'))
      }
    }
    const timer = setTimeout(() => void look(), everyMs)
    const settle = (): void => {
      isOver = true
      clearTimeout(timer)
      signal?.removeEventListener('abort', leaveNow)
    }
    const fail = (error: unknown): void => {
      settle()
      reject(error)
    }
    signal?.addEventListener('abort', leaveNow)
    if (signal?.aborted) leaveNow()
    opening
      .then(({ read, failed }) => {
        if (isLeft) return
        const reading = read(request)
        cancel = () => reading.cancel()
        reading.on('data', (message: ReadMessage) => {
          silentMs = 0
          if (!isOver) timer.refresh()
          if (message.kind === 'event') events.push(message.event)
          else if (message.kind === 'streamNotFound') isThere = false
        })
        reading.on('end', () => {
          settle()
          resolve(isThere ? events : undefined)
        })
        reading.on('error', (error: Error) => {
          if (!signal?.aborted) failed(error)
          fail(convertToCommandError(error))
        })
      })
      .catch(fail)
  })
}

/** Throws when the result is not acceptable, so that another node is asked. */
export type Check = (found: readonly Recorded[]) => void

/**
 * Reads to the end, from a node that considers itself the leader; retries where that helps.
 *
 * @param patience how long the node may search; default: the time for one attempt.
 * @throws {Unavailable} when no leader answers.
 */
export async function ask(
  connection: Connection,
  request: ReadReq,
  check: Check = () => undefined,
  patience: Patience = connection,
): Promise<Answer<FoundOrEnded>> {
  try {
    return await connection.call(async (client) => {
      const link = await linkOn(client, connection)
      const asked = link.sent
      const streams = Promise.resolve(link.streams)
      const everyMs = connection.attemptMs
      const watch = { everyMs, ask: () => collect(streams, allRequest('backwards', undefined, 1), connection) }
      const isSearch = patience.attemptMs > everyMs
      const value = await collect(streams, request, { ...patience, ...(isSearch && { watch }) }).catch(
        (error: unknown) => {
          if (error instanceof Error && isStreamDeleted(error)) return error
          if (adviceOn(error) !== 'none') link.end()
          throw error
        },
      )
      if (Array.isArray(value)) check(value)
      return { value, link, asked }
    })
  } catch (error) {
    throw readFailure(error)
  }
}

/** @throws {StreamNotFound} when there is nothing. */
export function eventsOf(stream: string, found: FoundOrEnded): readonly Recorded[] {
  if (found instanceof Error) throw new StreamNotFound(stream, { cause: found })
  if (found === undefined) throw new StreamNotFound(stream)
  return found
}

/**
 * Reads from the leader; the result was current at the time of the request (`proved`). With `isAnyNode`, what that node has.
 *
 * @throws {StreamNotFound} when the stream has no event.
 * @throws {Unavailable} when no leader answers.
 */
export async function readFrom(connection: Connection, stream: string, request: ReadReq): Promise<readonly Recorded[]> {
  if (!connection.requiresLeader) return readFromAny(connection, stream, request)
  return eventsOf(stream, await proved(connection, () => ask(connection, request)))
}

/**
 * As {@link readFrom}, without the proof, so the result may come from a former leader: for reads that are followed by an append at
 * the exact revision, and for reads that may be outdated.
 *
 * @throws {StreamNotFound} when the stream has no event.
 * @throws {Unavailable} when no node answers that considers itself the leader.
 */
export const readUnproved = async (
  connection: Connection,
  stream: string,
  request: ReadReq,
): Promise<readonly Recorded[]> => eventsOf(stream, (await ask(connection, request)).value)

async function readFromAny(connection: Connection, stream: string, request: ReadReq): Promise<readonly Recorded[]> {
  try {
    const found = await connection.call((client) => collect(streamsOf(client, false), request, connection))
    return eventsOf(stream, found)
  } catch (error) {
    if (error instanceof StreamNotFound) throw error
    if (isStreamDeleted(error)) throw new StreamNotFound(stream, { cause: error })
    throw readFailure(error)
  }
}
