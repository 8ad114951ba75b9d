import type { EventStoreDBClient } from '@eventstore/db-client'
import type { Appended, AppendRequest, PendingAppend } from './append-call.ts'
import type { Connection } from './connection.ts'
import { type Streams, streamsOf } from './client-internals.ts'
import { streamRequest } from './read-request.ts'
import { collect, type Found } from './reading.ts'
import type { Recorded } from './recorded.ts'
import { createSharedFetch } from './shared-fetch.ts'

/** How many events at the end of a stream are searched for an append without an expected revision. */
const END = 64

/** Copies of one append read the same events: one read serves all callers that asked before it started. */
const looks = new WeakMap<EventStoreDBClient, ReturnType<typeof createSharedFetch<Found>>>()

function shareOn(client: EventStoreDBClient): ReturnType<typeof createSharedFetch<Found>> {
  const known = looks.get(client) ?? createSharedFetch<Found>()
  looks.set(client, known)
  return known
}

/**
 * Looks for the events of an append in their stream, at the expected revisions.
 *
 * If they are found, the append is written: a leader shows readers only what a majority has, which is never lost; that holds even
 * for a node that wrongly considers itself the leader. If they are not found, they may still arrive, or may be hidden.
 *
 * @param streams of the node to ask; default: the current node of the client.
 * @throws the client's errors.
 */
export async function look(
  client: EventStoreDBClient,
  { attemptMs }: Connection,
  { stream, events, expected }: AppendRequest,
  streams?: Streams,
): Promise<Appended | undefined> {
  const first = expected === 'noStream' ? 0n : typeof expected === 'bigint' ? expected + 1n : undefined
  const max = events.length
  const options =
    first === undefined
      ? ({ direction: 'backwards', max: max + END } as const)
      : ({ direction: 'forwards', from: first, max } as const)
  const from = (node: Promise<Streams>) => collect(node, streamRequest(stream, options), { attemptMs })
  const found = streams
    ? await from(Promise.resolve(streams))
    : await shareOn(client)(`${options.direction} ${first} ${options.max} ${stream}`, () => from(streamsOf(client)))
  // Without an expected revision the server goes by the first occurrence of each id: an id that occurs twice proves nothing.
  const isIts = ({ id }: Recorded) => events.some((event) => isSame(event.id, id))
  const own = (first === undefined ? found?.toReversed().filter(isIts) : found) ?? []
  const isWhole = own.length === max && events.every(({ id }, index) => isSame(id, own[index]?.id))
  const last = own.at(-1)
  if (!isWhole || last === undefined || (first !== undefined && own[0]?.revision !== first)) return undefined
  return { revision: last.revision, position: last.position }
}

const isSame = (one: string, other: string | undefined): boolean => one.toLowerCase() === other?.toLowerCase()

/** Repeated searches for an append while its answer is pending. */
export interface Looking {
  /** Whether the node has answered a search, so that it does not hang. */
  isAnswered(): boolean
  stop(): void
}

/** Searches for a pending append repeatedly on the current node of the client; settles it once it is found. */
export function lookFor(
  client: EventStoreDBClient,
  connection: Connection,
  request: AppendRequest,
  pending: PendingAppend,
): Looking {
  let isAnswered = false
  let isOver = false

  const lookOnce = async (): Promise<void> => {
    try {
      if (pending.isSent() && request.events.length > 0) {
        const appended = await look(client, connection, request)
        isAnswered = true
        if (appended !== undefined) return pending.found(appended)
      }
    } catch {
      // The append itself reports what is wrong with the node.
    }
    if (!isOver) timer = wait()
  }
  const wait = (): NodeJS.Timeout => setTimeout(() => void lookOnce(), connection.settleMs)
  let timer = wait()

  return {
    isAnswered: () => isAnswered,
    stop() {
      isOver = true
      clearTimeout(timer)
    },
  }
}
