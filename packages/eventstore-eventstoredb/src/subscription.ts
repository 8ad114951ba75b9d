import { setTimeout as pause } from 'node:timers/promises'
import { convertToCommandError, DeadlineExceededError, type EventStoreDBClient } from '@eventstore/db-client'
import {
  type EventFilter,
  InvalidPosition,
  keptPosition,
  matchesFilter,
  type Position,
  START,
  type SubscribeOptions,
  type SubscriptionMessage,
  Unavailable,
} from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { subscriptionFailure } from './failure.ts'
import { inTime } from './in-time.ts'
import { streamsOf } from './client-internals.ts'
import { followedFilter } from './log-filter.ts'
import { createEndMarker } from './end-marker.ts'
import { trackAbort } from './abort-state.ts'
import { checkpointOf, parsePosition, positionOf } from './position.ts'
import { puller } from './pull.ts'
import { subscriptionRequest } from './read-request.ts'
import type { ReadMessage } from './read-response.ts'
import { isInLog, recordedEvent } from './recorded.ts'

export interface Following {
  readonly connection: Connection
  /** Writes an end marker with this id, which every subscription receives; returns its position. */
  writeEndMarker(id: string): Promise<Position>
  /** Called with the position of each event. */
  reached(position: Position): void
  /** Milliseconds without a message after which a subscription is tested with an end marker. */
  readonly idleMs: number
}

const FIRST_PAUSE_MS = 50
/** How often the time limit for an expected message is doubled, in case the node is slow. */
const MOST_DOUBLINGS = 3

/** Opens one subscription call. @throws {DeadlineExceededError} without a connection in time. */
async function subscribeOnce(client: EventStoreDBClient, after: Position, { filter }: SubscribeOptions, ms: number) {
  const { read, failed } = await inTime(streamsOf(client), ms, 'no node was found')
  const reading = read(subscriptionRequest(after, followedFilter(filter)))
  reading.on('error', failed)
  return { reading, end: () => reading.cancel() }
}

/**
 * All events after a position and all new ones, each once and in order, over any number of broken, silent and ended
 * subscription calls: a new call starts at the last event or checkpoint of a subscription. Other knowledge about the end of
 * the log never advances the position.
 *
 * A node that has no more events may be stale without knowing it. So an end marker is written then, through the leader, and only a
 * subscription that receives it has caught up (decision 31).
 *
 * @throws {InvalidPosition} when it should start at what is not a position of this log.
 */
export async function* followLog(
  following: Following,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionMessage, void> {
  const { connection } = following
  using abort = trackAbort(signal)
  let position = keptPosition({ parsePosition }, options.after ?? START)
  let wait = FIRST_PAUSE_MS
  let late = 0

  while (!abort.isAborted) {
    const client = connection.client()
    const hurryMs = Math.min(connection.attemptMs, following.idleMs) * 2 ** Math.min(late, MOST_DOUBLINGS)
    let end: (() => void) | undefined
    try {
      const subscription = await subscribeOnce(client, position, options, hurryMs)
      end = subscription.end
      const pull = puller<ReadMessage>(subscription.reading, abort)
      const begun = position
      const marker = createEndMarker((id) => following.writeEndMarker(id))
      /** Whether the node has no more events, and `caughtUp` has not been reported since. */
      let isCaughtUpDue = false
      let isWithoutCheckpoint = false
      let isSilent = true
      for (;;) {
        const isHurried = isSilent || marker.isDue()
        const next = pull(isHurried ? hurryMs : following.idleMs)
        const pulled = next instanceof Promise ? await next : next
        if (abort.isAborted) return
        marker.check(begun)
        if (pulled === 'ended') throw new Error('the server closed the subscription')
        if (pulled === 'idle') {
          if (isHurried) late += 1
          if (isSilent) throw new DeadlineExceededError(undefined, 'the node does not answer the subscription')
          // The leader has written the marker, and the client is connected to it now: the next subscription goes there.
          if (marker.isDue())
            throw new Unavailable('the node of the subscription is stale: it lacks events that were written')
          marker.write()
          continue
        }
        isSilent = false
        const { item } = pulled
        if (item.kind === 'caughtUp') {
          isCaughtUpDue = true
          marker.write()
        } else if (item.kind === 'fellBehind') isCaughtUpDue = false
        else if (isWithoutPosition(item)) isWithoutCheckpoint = true
        const message = messageOf(item, { position, filter: options.filter })
        if (message === undefined) continue
        if (message.kind === 'event') following.reached(message.event.position)
        position = message.kind === 'event' ? message.event.position : message.position
        const isMarked = item.kind === 'event' && marker.isMet(item.event.id)
        if (isMarked) [wait, late] = [FIRST_PAUSE_MS, 0]
        const isCaughtUp = isMarked && isCaughtUpDue
        isCaughtUpDue &&= !isMarked
        yield isCaughtUp ? { kind: 'caughtUp', position } : message
        if (abort.isAborted) return
        if (isWithoutCheckpoint && position !== START) break
      }
    } catch (thrown) {
      if (abort.isAborted) return
      const error = thrown instanceof Error ? convertToCommandError(thrown) : thrown
      const failure = subscriptionFailure(error)
      if (failure instanceof InvalidPosition) throw failure
      options.onFailure?.(failure)
      connection.refused(client, error)
      await pause(wait, undefined, { signal }).catch(() => undefined)
      wait = Math.min(wait * 2, Math.max(connection.attemptMs, FIRST_PAUSE_MS))
    } finally {
      end?.()
    }
  }
}

/**
 * Whether a subscription sent an invalid checkpoint: it will send no valid one, however far it gets, and is replaced at the first
 * event or end marker.
 */
const isWithoutPosition = (said: ReadMessage): boolean =>
  said.kind === 'checkpoint' && checkpointOf(said.offset) === undefined

interface ReaderState {
  readonly position: Position
  readonly filter: EventFilter | undefined
}

/** The message for a reader at this position; `undefined` when it is not new, or not for this reader. */
function messageOf(
  said: ReadMessage,
  { position, filter }: ReaderState,
): Exclude<SubscriptionMessage, { kind: 'caughtUp' }> | undefined {
  if (said.kind === 'checkpoint') return checkpointAt(checkpointOf(said.offset), position)
  if (said.kind !== 'event') return undefined
  const { event } = said
  if (!isInLog(event.streamId)) return checkpointAt(event.position && positionOf(event.position), position)
  const recorded = recordedEvent(event)
  if (recorded.position <= position) return undefined
  if (!matchesFilter(filter, recorded)) return checkpointAt(recorded.position, position)
  return { kind: 'event', event: recorded }
}

const checkpointAt = (reached: Position | undefined, position: Position) =>
  reached !== undefined && reached > position ? ({ kind: 'checkpoint', position: reached } as const) : undefined
