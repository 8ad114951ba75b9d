import { DeadlineExceededError, StreamNotFoundError, type EventStoreDBClient } from '@eventstore/db-client'
import { StreamNotFound } from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { readFailure } from './failure.ts'

interface Reading<Item> {
  cancel(): Promise<void>
  on(event: 'data', take: (item: Item) => void): unknown
  on(event: 'error', take: (error: Error) => void): unknown
  on(event: 'end', take: () => void): unknown
}

/**
 * Everything a read brings. The client's own reads have no deadline, and end neither by an error nor by an end when they
 * are cancelled, so both are seen to here.
 *
 * @param ms milliseconds without an event after which the node is taken to hang.
 */
function collect<Item>(reading: Reading<Item>, ms: number): Promise<readonly Item[]> {
  const items: Item[] = []
  return new Promise((resolve, reject) => {
    const hang = () => {
      void reading.cancel().catch(() => undefined)
      reject(new DeadlineExceededError(undefined as never, `nothing came for ${ms} ms`))
    }
    let timer = setTimeout(hang, ms)
    reading.on('data', (item) => {
      items.push(item)
      clearTimeout(timer)
      timer = setTimeout(hang, ms)
    })
    const settle = (act: () => void) => () => {
      clearTimeout(timer)
      act()
    }
    reading.on(
      'end',
      settle(() => resolve(items)),
    )
    reading.on('error', (error) => settle(() => reject(error))())
  })
}

/**
 * Reads to the end, from the leader, trying again where that helps.
 *
 * @throws {StreamNotFound} when the stream has no event.
 * @throws {Unavailable} when no leader answers.
 */
export async function readFrom<Item>(
  connection: Connection,
  stream: string,
  start: (client: EventStoreDBClient, options: Connection['options']) => Reading<Item>,
): Promise<readonly Item[]> {
  try {
    return await connection.call((client, options) => collect(start(client, options), connection.attemptMs))
  } catch (error) {
    if (error instanceof StreamNotFoundError) throw new StreamNotFound(stream, { cause: error })
    throw readFailure(error)
  }
}
