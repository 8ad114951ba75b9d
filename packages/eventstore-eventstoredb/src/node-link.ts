import { DeadlineExceededError, type EventStoreDBClient, TimeoutError } from '@eventstore/db-client'
import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { connectivityState } from '@grpc/grpc-js'
import { type AppendRequest, openAppendCall, type PendingAppend, type ProposedEvent } from './append-call.ts'
import type { Connection } from './connection.ts'
import { NO_CONNECTION } from './failure.ts'
import { type Streams, streamsOf } from './client-internals.ts'
import { inTime } from './in-time.ts'
import { isAlone } from './members.ts'
import { BARRIER, BARRIERS } from './recorded.ts'

/**
 * A connection to one node, for as long as it accepts our appends: after the first failure a new link replaces it, to the node
 * that leads then. A node that was paused may wrongly consider itself the leader; so a read counts only when an append of
 * ours, sent after the read, was committed on the same link.
 *
 * A newly elected node does not show readers all its events at first. So each link starts with a read barrier, and reads wait
 * until it is committed: from then on the node shows every event that was acknowledged before.
 */
export interface NodeLink {
  readonly streams: Streams
  /** Whether there is no other node, so that its answers need no proof. */
  readonly isAlone: boolean
  /** How many appends were sent on this link. */
  readonly sent: number
  append(request: AppendRequest): PendingAppend
  /** Marks it as failed: nothing more is sent on it. */
  end(): void
  /**
   * Whether the node led when it answered a request that was sent after so many appends: whether it commits a later one.
   * `false` when that cannot be found out.
   */
  confirms(asked: number): Promise<boolean>
}

interface OpenLink extends NodeLink {
  readonly ready: Promise<void>
  isOpen(): boolean
}

const links = new WeakMap<StreamsClient, OpenLink>()
/** The last link of each client that became ready; most calls only check that it is still open. */
const usual = new WeakMap<EventStoreDBClient, OpenLink>()

/**
 * The link to the current node of the client.
 *
 * @throws the client's errors; `DeadlineExceededError` when there is no connection, or no commit, within the time for one attempt;
 *   the call itself was not sent then.
 */
export async function linkOn(client: EventStoreDBClient, connection: Connection): Promise<NodeLink> {
  const last = usual.get(client)
  if (last?.isOpen()) return last
  const streams = await inTime(streamsOf(client), connection.attemptMs, NO_CONNECTION)
  const known = links.get(streams.service)
  const link = known?.isOpen() ? known : openLink(client, streams, connection)
  links.set(streams.service, link)
  await inTime(link.ready, connection.attemptMs, NO_CONNECTION)
  usual.set(client, link)
  return link
}

const isShutDown = (service: StreamsClient): boolean =>
  service.getChannel().getConnectivityState(false) === connectivityState.SHUTDOWN

/** An append to this stream only proves that the node leads. */
const barrierEvent = (): ProposedEvent => ({ id: crypto.randomUUID(), type: BARRIER, data: {}, metadata: {} })

/** After so many read barriers the metadata of their stream, which keeps only the last event, is written again. */
const TRUNCATED_EVERY = 10_000n
const truncation = (): AppendRequest => ({
  stream: `$$${BARRIERS}`,
  events: [{ id: crypto.randomUUID(), type: '$metadata', data: { $maxCount: 1 }, metadata: {} }],
  expected: 'any',
})

function openLink(client: EventStoreDBClient, streams: Streams, connection: Connection): OpenLink {
  const { attemptMs } = connection
  const call = openAppendCall(Promise.resolve(streams), attemptMs)
  const underWay = new Map<number, PendingAppend>()
  let alone = false
  let sent = 0
  let committed = 0
  let isOver = false
  let barrier: Promise<unknown> | undefined

  const end = (): void => void (isOver = true)
  // The client closes the channel of a node that does not lead; running calls on it continue.
  const isOpen = (): boolean => !isOver && call.isOpen() && !isShutDown(streams.service)

  function append(request: AppendRequest): PendingAppend {
    const number = (sent += 1)
    const pending = call.append(request, (isCommitted) => {
      underWay.delete(number)
      if (isCommitted) committed = Math.max(committed, number)
    })
    underWay.set(number, pending)
    return pending
  }

  /** @throws the client's errors. */
  async function raiseBarrier(): Promise<void> {
    try {
      const { revision } = await append({ stream: BARRIERS, events: [barrierEvent()], expected: 'any' }).answer
      if (revision % TRUNCATED_EVERY === 0n) append(truncation()).answer.catch(() => undefined)
    } catch (error) {
      end()
      // A node that answers and commits nothing may have been replaced as the leader without knowing it.
      connection.refused(client, error instanceof TimeoutError ? new DeadlineExceededError() : error)
      throw error
    }
  }

  /** One read barrier at a time; callers that need a later one share the next. */
  function nextBarrier(): Promise<unknown> {
    barrier ??= raiseBarrier()
      .catch(() => undefined)
      .finally(() => (barrier = undefined))
    return barrier
  }

  async function confirms(asked: number): Promise<boolean> {
    for (;;) {
      if (alone || committed > asked) return true
      if (!isOpen()) return false
      const [, later] = [...underWay].find(([number]) => number > asked) ?? []
      await (later?.answer.catch(() => undefined) ?? nextBarrier())
    }
  }

  async function getReady(): Promise<void> {
    alone = await isAlone(client, attemptMs)
    if (!alone) await raiseBarrier()
  }

  const ready = getReady()
  ready.catch(end)
  return {
    streams,
    ready,
    get isAlone() {
      return alone
    },
    get sent() {
      return sent
    },
    isOpen,
    append,
    end,
    confirms,
  }
}
