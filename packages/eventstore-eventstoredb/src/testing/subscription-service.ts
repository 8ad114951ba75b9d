import type { ReadReq } from '@eventstore/db-client/generated/streams_pb.js'
import { status } from '@grpc/grpc-js'
import { eventBytes } from './event-bytes.ts'
import { compare, FIRST, type LogPosition, NOWHERE, positionOf } from './log-position.ts'
import { isInvalid, pageFrom } from './page.ts'
import {
  BATCH,
  caughtUpResponse,
  checkpointResponse,
  confirmationResponse,
  fellBehindResponse,
  type Filter,
  filterOf,
  startOf,
} from './read-messages.ts'
import { waitFor, type Write } from './read-service.ts'
import { readRefusal, type Serving } from './serving.ts'
import type { StoredEvent } from './stored-event.ts'
import { rpcError } from './wire.ts'

export interface Subscribing {
  readonly serving: Serving
  readonly requiresLeader: boolean
  readonly over: AbortSignal
  readonly options: ReadReq.Options
  readonly write: Write
  /** Nothing comes any more after `caughtUp`, and nobody says so: its node lost its way. */
  readonly isLost: boolean
}

/** What happens while a subscription is live: events for it, and that so many were looked at. */
type Live = { readonly event: StoredEvent } | { readonly checkpoint: LogPosition }

/**
 * A subscription to the whole log (Enumerator.AllSubscriptionFiltered.cs, Enumerator.AllSubscription.cs): confirmed; then what is
 * there after its start, page by page, from the leader when it requires that; `caughtUp`; then what is new, whoever leads. One that
 * starts at the end of what its node has, or above, is live at once, without a look at who leads (:167). A reader who is
 * too slow for what is live falls behind, and catches up again.
 *
 * @returns false: it has no end. @throws {ServiceError}
 */
export async function subscribe(subscribing: Subscribing): Promise<boolean> {
  const { serving, over, options, isLost } = subscribing
  const { member } = serving
  const filter = filterOf(options)
  const send = sender(subscribing.write)
  const live = listenLive(subscribing, filter)
  try {
    const end = positionOf(member.committed - 1)
    if (!(await send.confirmation())) return false
    const start = startOf(options)
    let at = start === 'start' ? NOWHERE : start === 'end' ? end : start
    if (compare(at, end) < 0) at = await catchUp(subscribing, filter, send, at)
    while (!over.aborted) {
      if (!(await send.caughtUp()) || isLost) return false
      at = await goLive(live, send, at, over)
      if (over.aborted || !(await send.fellBehind())) return false
      if (filter && !(await send.checkpoint(at))) return false
      at = await catchUp(subscribing, filter, send, at)
    }
    return false
  } finally {
    live.stop()
  }
}

interface Sender {
  confirmation: () => ReturnType<Write>
  caughtUp: () => ReturnType<Write>
  fellBehind: () => ReturnType<Write>
  event: (event: StoredEvent) => ReturnType<Write>
  /** Not twice, and none that is below another. */
  checkpoint: (position: LogPosition) => ReturnType<Write>
}

/** 2^64-1 is above whatever comes later: a subscription that called it its checkpoint never has another. */
const rankOf = (position: LogPosition): LogPosition =>
  position.commit < 0 ? { commit: Number.MAX_VALUE, prepare: 0 } : position

function sender(write: Write): Sender {
  let said: LogPosition | undefined
  return {
    confirmation: () => write(confirmationResponse(crypto.randomUUID())),
    caughtUp: () => write(caughtUpResponse()),
    fellBehind: () => write(fellBehindResponse()),
    event: (event) => write(eventBytes(event)),
    async checkpoint(position) {
      if (said && compare(rankOf(position), said) <= 0) return 'quickly'
      said = rankOf(position)
      return write(checkpointResponse(position))
    },
  }
}

/** Up to the end of what the node has. @returns the position that was reached. @throws {ServiceError} */
async function catchUp(
  { serving, requiresLeader, over }: Subscribing,
  filter: Filter | undefined,
  send: Sender,
  start: LogPosition,
): Promise<LogPosition> {
  const { member, hasFalseCheckpoint } = serving
  let at = start
  let from = start
  let considered = 0
  while (!over.aborted) {
    if (member.isPaused) await new Promise<void>((resolve) => member.whenAwake(resolve))
    const refused = readRefusal(serving, requiresLeader)
    if (refused) throw refused
    if (isInvalid(member, from)) throw rpcError(status.INVALID_ARGUMENT, 'Trying to read from an invalid position.')
    const page = pageFrom(member, from, filter)
    for (const event of page.events) {
      if (compare(positionOf(event.index), at) <= 0) continue
      at = positionOf(event.index)
      if (!(await send.event(event))) return at
    }
    considered += page.considered
    if (page.isEnd) {
      // Up to 24.10.4 one that has nothing to say yet says so, and it goes out as 2^64-1 (release notes of 24.10.5).
      if (compare(at, FIRST) < 0 && !hasFalseCheckpoint) at = FIRST
      if (filter) await send.checkpoint(at)
      return at
    }
    if (filter && considered >= filter.interval) {
      considered %= filter.interval
      if (compare(at, page.current) < 0) at = page.current
      if (!(await send.checkpoint(at))) return at
    }
    from = page.next
  }
  return at
}

interface LiveQueue {
  readonly queue: Live[]
  wake: (() => void) | undefined
  stop(): void
}

/** From the confirmation on, whatever the reader does meanwhile (SubscriptionsService.cs). */
function listenLive({ serving: { member } }: Subscribing, filter: Filter | undefined): LiveQueue {
  let looked = 0
  const queue: Live[] = []
  const stop = member.onGrowth(
    () => live.wake?.(),
    (event) => {
      const isWanted = filter === undefined || filter.passes(event)
      if (isWanted) queue.push({ event })
      looked += 1
      if (filter === undefined || looked < filter.interval) return isWanted
      looked = 0
      queue.push({ checkpoint: positionOf(event.index) })
      return true
    },
  )
  const live: LiveQueue = { queue, wake: undefined, stop }
  return live
}

/** Messages that wait for a reader who is slow, and no more. */
const LIVE_BUFFER = BATCH * 32

/** @returns the position that was reached, when the reader fell behind or is gone. */
async function goLive(live: LiveQueue, send: Sender, start: LogPosition, over: AbortSignal): Promise<LogPosition> {
  let at = start
  while (!over.aborted) {
    const [next] = live.queue.splice(0, 1)
    if (next === undefined) {
      await waitFor(over, (wake) => {
        live.wake = wake
        return () => (live.wake = undefined)
      })
      continue
    }
    const position = 'event' in next ? positionOf(next.event.index) : next.checkpoint
    const order = compare(position, at)
    if ('event' in next ? order <= 0 : order < 0) continue
    const written = 'event' in next ? await send.event(next.event) : await send.checkpoint(next.checkpoint)
    at = position
    if (written === 'slowly' && live.queue.length > LIVE_BUFFER) {
      live.queue.length = 0
      return at
    }
  }
  return at
}
