import type { EventStoreDBClient } from '@eventstore/db-client'
import type { Appended, AppendRequest, PendingAppend } from './append-call.ts'
import type { Connection } from './connection.ts'
import { type Streams, streamsOf } from './inside.ts'
import { streamRequest } from './read-request.ts'
import { collect, type Found } from './reading.ts'
import type { Recorded } from './recorded.ts'
import { sharing } from './sharing.ts'

/** Events at the end of a stream among which those of an append are looked for that may stand anywhere. */
const END = 64

/** Copies of one append look at the same events: one look serves all that asked before it began. */
const looks = new WeakMap<EventStoreDBClient, ReturnType<typeof sharing<Found>>>()

function shareOn(client: EventStoreDBClient): ReturnType<typeof sharing<Found>> {
  const known = looks.get(client) ?? sharing<Found>()
  looks.set(client, known)
  return known
}

/**
 * Looks whether the events of an append are in their stream, at the revisions that it is for.
 *
 * Found, it is done: the leader shows its readers what a majority has, and what a majority has stays; that holds for a node
 * that takes itself for the leader still, too. Not found proves nothing: the events may be under way, or hidden since.
 *
 * @param streams of the node to ask, where it has to be that one; else the node that the client has now.
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
  // Where they may stand anywhere, the server goes by where each id stood first: one that stands twice proves nothing.
  const isIts = ({ id }: Recorded) => events.some((event) => isSame(event.id, id))
  const own = (first === undefined ? found?.toReversed().filter(isIts) : found) ?? []
  const isWhole = own.length === max && events.every(({ id }, index) => isSame(id, own[index]?.id))
  const last = own.at(-1)
  if (!isWhole || last === undefined || (first !== undefined && own[0]?.revision !== first)) return undefined
  return { revision: last.revision, position: last.position }
}

const isSame = (one: string, other: string | undefined): boolean => one.toLowerCase() === other?.toLowerCase()

/** Looks that go on while an answer is waited for. */
export interface Looking {
  /** Whether the node has answered a look: it does not hang. */
  isAnswered(): boolean
  stop(): void
}

/** Looks for an append that is waited for, again and again, at the node that the client has: found, it is settled. */
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
      // The append itself will tell what is wrong with the node.
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
