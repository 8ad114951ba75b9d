import { DeadlineExceededError, type EventStoreDBClient, TimeoutError } from '@eventstore/db-client'
import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js'
import { connectivityState } from '@grpc/grpc-js'
import { type AppendRequest, openAppendCall, type PendingAppend, type ProposedEvent } from './append-call.ts'
import type { Connection } from './connection.ts'
import { NO_CONNECTION } from './failure.ts'
import { type Streams, streamsOf } from './inside.ts'
import { inTime } from './in-time.ts'
import { isAlone } from './members.ts'
import { BARRIER, BARRIERS } from './recorded.ts'

/**
 * One node, by one connection, for as long as it takes our appends: from the first failure on another link takes its place, to
 * whichever node leads then. A node says of itself that it leads, and one that was paused is wrong; so a read counts when an
 * append of ours, sent after the read was asked for, was committed by the same link.
 *
 * A node that was elected just now shows its readers less than it has. So the first thing on a link is a read barrier, and
 * nothing is read before it is committed: from then on the node shows everything that was acknowledged before.
 */
export interface NodeLink {
  readonly streams: Streams
  /** Whether there is no other node: then everything that it answers counts. */
  readonly isAlone: boolean
  /** How many appends were sent on it. */
  readonly sent: number
  append(request: AppendRequest): PendingAppend
  /** It failed, or may have: nothing more is sent on it. */
  end(): void
  /**
   * Whether the node led when it answered what was asked of it after so many appends were sent: whether it commits a later
   * one. `false` when it will never be known.
   */
  confirms(asked: number): Promise<boolean>
}

interface OpenLink extends NodeLink {
  readonly ready: Promise<void>
  isOpen(): boolean
}

const links = new WeakMap<StreamsClient, OpenLink>()
/** The link of each client that was ready last: most calls need to know no more than that it is still open. */
const usual = new WeakMap<EventStoreDBClient, OpenLink>()

/**
 * The link to the node that the client has now.
 *
 * @throws the client's errors; `DeadlineExceededError` when there is no connection, or no commit, within the time for one try.
 *   Nothing that was to follow was sent then.
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

/** An append to this stream says nothing but that the node leads. */
const barrierEvent = (): ProposedEvent => ({ id: crypto.randomUUID(), type: BARRIER, data: {}, metadata: {} })

/** Every so many read barriers it is said again that their stream keeps the last one only. */
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
  // The client closes the channel of a node that does not lead; calls that are under way there go on.
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
      // What answers and commits nothing may have been replaced as the leader, and not know it.
      connection.refused(client, error instanceof TimeoutError ? new DeadlineExceededError() : error)
      throw error
    }
  }

  /** One read barrier at a time; whoever needs one that is sent later waits for the next, which serves all of them. */
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
