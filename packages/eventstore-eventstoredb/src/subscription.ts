import { setTimeout as pause } from 'node:timers/promises'
import { convertToCommandError, DeadlineExceededError, type EventStoreDBClient } from '@eventstore/db-client'
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import {
  type EventFilter,
  InvalidPosition,
  passes,
  type Position,
  START,
  type SubscribeOptions,
  type SubscriptionMessage,
  Unavailable,
} from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { subscriptionFailure } from './failure.ts'
import { streamsOf } from './inside.ts'
import { openMark } from './mark.ts'
import { checkpointOf, type LogOffset, positionOf } from './position.ts'
import { puller } from './pull.ts'
import { type ServerFilter, subscriptionRequest } from './read-request.ts'
import { ASIDE, isInLog, PULSE, PULSES, type Recorded, receivedEvent, recordedEvent } from './recorded.ts'

export interface Following {
  readonly connection: Connection
  /** Writes a pulse with this id, to which every subscription comes; answers where it stands. */
  pulse(id: string): Promise<Position>
  /** Milliseconds without a word after which a subscription is asked whether it still lives. */
  readonly idleMs: number
}

const FIRST_PAUSE_MS = 50
/** How often a subscription is given twice the time for what it owes: its node may be slow. */
const MOST_DOUBLINGS = 3
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
const inCategory = (category: string): string => `${escaped(category)}(-|$)`

/**
 * What the server gives: not its own streams, what is no part of the log, nor categories or types that nobody asked for. It
 * filters by one of the two; pulses pass either, so that every subscription sees how far the log has come.
 */
function serverFilter({ categories, types }: EventFilter = {}): ServerFilter {
  if (types !== undefined) return { types: `^(${[...types, PULSE].map(escaped).join('|')})$` }
  const pulses = `${escaped(PULSES)}$`
  return {
    streams:
      categories === undefined
        ? `^(${pulses}|(?!${['\\$', ...ASIDE.map(inCategory)].join('|')}))`
        : `^(${[...categories.map(inCategory), pulses].join('|')})`,
  }
}

/** One call that subscribes, until it fails, ends, or says nothing for too long. */
async function subscribeOnce(client: EventStoreDBClient, after: Position, { filter }: SubscribeOptions) {
  const { service, call, failed } = await streamsOf(client)
  const reading = service.read(subscriptionRequest(after, serverFilter(filter)), ...call)
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
 */
export async function* followLog(
  following: Following,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionMessage, void> {
  const { connection } = following
  let position = options.after ?? START
  let wait = FIRST_PAUSE_MS
  let late = 0

  while (!signal.aborted) {
    const client = connection.client()
    let end: (() => void) | undefined
    try {
      const subscription = await subscribeOnce(client, position, options)
      end = subscription.end
      const pull = puller<ReadResp>(subscription.reading, signal)
      const begun = position
      const mark = openMark(following.pulse)
      const hurryMs = Math.min(connection.attemptMs, following.idleMs) * 2 ** Math.min(late, MOST_DOUBLINGS)
      let isAtEnd = false
      let isUntold = false
      let isSilent = true
      for (;;) {
        const isHurried = isSilent || mark.isDue()
        const pulled = await pull(isHurried ? hurryMs : following.idleMs)
        if (signal.aborted) return
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
        if (item.hasCaughtUp()) {
          isAtEnd = true
          mark.write()
        } else if (item.hasFellBehind()) isAtEnd = false
        else if (isWithoutPosition(item)) isUntold = true
        const received = receivedIn(item)
        const message = messageOf(item, received, { position, options })
        if (message === undefined) continue
        position = message.kind === 'event' ? message.event.position : message.position
        const isMarked = received !== undefined && mark.isMet(received.id)
        if (isMarked) [wait, late] = [FIRST_PAUSE_MS, 0]
        yield isMarked && isAtEnd ? { kind: 'caughtUp', position } : message
        if (signal.aborted) return
        if (isUntold && position !== START) break
      }
    } catch (thrown) {
      if (signal.aborted) return
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
function isWithoutPosition(response: ReadResp): boolean {
  const checkpoint = response.getCheckpoint()
  return checkpoint !== undefined && checkpointOf(offsetIn(checkpoint)) === undefined
}

const offsetIn = (checkpoint: ReadResp.Checkpoint): LogOffset => ({
  commit: BigInt(checkpoint.getCommitPosition()),
  prepare: BigInt(checkpoint.getPreparePosition()),
})

function receivedIn(response: ReadResp): Recorded | undefined {
  const event = response.getEvent()?.getEvent()
  return event && receivedEvent(event)
}

interface Place {
  readonly position: Position
  readonly options: SubscribeOptions
}

/** What a message tells a reader at this place; `undefined` when it is nothing new, or nothing for this reader. */
function messageOf(
  response: ReadResp,
  received: Recorded | undefined,
  { position, options }: Place,
): Exclude<SubscriptionMessage, { kind: 'caughtUp' }> | undefined {
  const checkpoint = response.getCheckpoint()
  if (checkpoint !== undefined) {
    const reached = checkpointOf(offsetIn(checkpoint))
    return reached !== undefined && reached > position ? { kind: 'checkpoint', position: reached } : undefined
  }
  if (received === undefined) return undefined
  if (!isInLog(received.streamId)) {
    const passed = received.position && positionOf(received.position)
    return passed !== undefined && passed > position ? { kind: 'checkpoint', position: passed } : undefined
  }
  const recorded = recordedEvent(received)
  if (recorded.position <= position) return undefined
  if (!passes(options.filter, recorded)) return { kind: 'checkpoint', position: recorded.position }
  return { kind: 'event', event: recorded }
}
