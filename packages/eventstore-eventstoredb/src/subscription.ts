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
import { streamsOf } from './inside.ts'
import { followedFilter } from './log-filter.ts'
import { openMark } from './mark.ts'
import { overWith } from './over.ts'
import { checkpointOf, parsePosition, positionOf } from './position.ts'
import { puller } from './pull.ts'
import { subscriptionRequest } from './read-request.ts'
import type { ReadMessage } from './read-response.ts'
import { isInLog, recordedEvent } from './recorded.ts'

export interface Following {
  readonly connection: Connection
  /** Writes a pulse with this id, to which every subscription comes; answers where it stands. */
  pulse(id: string): Promise<Position>
  /** Told where each event stands. */
  reached(position: Position): void
  /** Milliseconds without a word after which a subscription is asked whether it still lives. */
  readonly idleMs: number
}

const FIRST_PAUSE_MS = 50
/** How often a subscription is given twice the time for what it owes: its node may be slow. */
const MOST_DOUBLINGS = 3

/** One call that subscribes, until it fails, ends, or says nothing for too long. @throws {DeadlineExceededError} without a connection in time. */
async function subscribeOnce(client: EventStoreDBClient, after: Position, { filter }: SubscribeOptions, ms: number) {
  const { read, failed } = await inTime(streamsOf(client), ms, 'no node was found')
  const reading = read(subscriptionRequest(after, followedFilter(filter)))
  reading.on('error', failed)
  return { reading, end: () => reading.cancel() }
}

/**
 * Everything after a position and everything new, each once and in order, over any number of broken, silent and ended
 * subscriptions: a new one begins where the last event or checkpoint was, which came by a subscription itself. What a node
 * says of the log elsewhere moves nobody on.
 *
 * That a node has no more to give does not say that there is no more: it may have been left behind, and not know it. So a
 * pulse is written then, by whoever leads, and only a subscription that comes to it has caught up (decision 31).
 *
 * @throws {InvalidPosition} when it is told to begin at what is no position of this log.
 */
export async function* followLog(
  following: Following,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionMessage, void> {
  const { connection } = following
  using over = overWith(signal)
  let position = keptPosition({ parsePosition }, options.after ?? START)
  let wait = FIRST_PAUSE_MS
  let late = 0

  while (!over.isOver) {
    const client = connection.client()
    const hurryMs = Math.min(connection.attemptMs, following.idleMs) * 2 ** Math.min(late, MOST_DOUBLINGS)
    let end: (() => void) | undefined
    try {
      const subscription = await subscribeOnce(client, position, options, hurryMs)
      end = subscription.end
      const pull = puller<ReadMessage>(subscription.reading, over)
      const begun = position
      const mark = openMark(following.pulse)
      /** Whether the node has no more to give, and nobody was told that everything is here. */
      let isOwed = false
      let isUntold = false
      let isSilent = true
      for (;;) {
        const isHurried = isSilent || mark.isDue()
        const next = pull(isHurried ? hurryMs : following.idleMs)
        const pulled = next instanceof Promise ? await next : next
        if (over.isOver) return
        mark.check(begun)
        if (pulled === 'ended') throw new Error('the server ended the subscription')
        if (pulled === 'idle') {
          if (isHurried) late += 1
          if (isSilent) throw new DeadlineExceededError(undefined, 'the node does not answer a subscription')
          // Whoever wrote the mark leads, and there the client is now: the next subscription is with that node.
          if (mark.isDue()) throw new Unavailable('the node of a subscription has not got what was written since')
          mark.write()
          continue
        }
        isSilent = false
        const { item } = pulled
        if (item.kind === 'caughtUp') {
          isOwed = true
          mark.write()
        } else if (item.kind === 'fellBehind') isOwed = false
        else if (isWithoutPosition(item)) isUntold = true
        const message = messageOf(item, { position, filter: options.filter })
        if (message === undefined) continue
        if (message.kind === 'event') following.reached(message.event.position)
        position = message.kind === 'event' ? message.event.position : message.position
        const isMarked = item.kind === 'event' && mark.isMet(item.event.id)
        if (isMarked) [wait, late] = [FIRST_PAUSE_MS, 0]
        const isCaughtUp = isMarked && isOwed
        isOwed &&= !isMarked
        yield isCaughtUp ? { kind: 'caughtUp', position } : message
        if (over.isOver) return
        if (isUntold && position !== START) break
      }
    } catch (thrown) {
      if (over.isOver) return
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
 * Whether a subscription calls something its checkpoint that can be none: it gives no other, however far it comes, and is
 * begun anew where the first event or pulse is.
 */
const isWithoutPosition = (said: ReadMessage): boolean =>
  said.kind === 'checkpoint' && checkpointOf(said.offset) === undefined

interface Place {
  readonly position: Position
  readonly filter: EventFilter | undefined
}

/** What the server says, for a reader at this place; `undefined` when it is nothing new, or nothing for this reader. */
function messageOf(
  said: ReadMessage,
  { position, filter }: Place,
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
