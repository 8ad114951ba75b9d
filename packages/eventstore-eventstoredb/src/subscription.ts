import { setTimeout as pause } from 'node:timers/promises'
import { convertToCommandError, type EventStoreDBClient } from '@eventstore/db-client'
import type { ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import {
  type EventFilter,
  passes,
  type Position,
  START,
  type SubscribeOptions,
  type SubscriptionMessage,
} from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { streamsOf } from './inside.ts'
import { checkpointOf, type LogOffset, positionOf } from './position.ts'
import { type Pulled, puller } from './pull.ts'
import { type ServerFilter, subscriptionRequest } from './read-request.ts'
import { ASIDE, isInLog, PULSE, receivedEvent, recordedEvent } from './recorded.ts'

export interface Following {
  readonly connection: Connection
  head(): Promise<Position>
  /** Milliseconds without a word after which a subscription is taken for dead. */
  readonly idleMs: number
}

const FIRST_PAUSE_MS = 50
/** Without a word, after which a subscription that will not tell how far it has come is begun anew. */
const UNTOLD_MS = 500
const LONGEST_PAUSE_MS = 2_000
const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/**
 * What the server gives: not its own streams, what is no part of the log, nor categories or types that nobody asked for. It
 * filters by one of the two; whoever asks for types sees pulses, too, and so how far the log has come.
 */
function serverFilter({ categories, types }: EventFilter = {}): ServerFilter {
  if (types !== undefined) return { types: `^(${[...types, PULSE].map(escaped).join('|')})$` }
  const streamsOf = (each: string) => `${escaped(each)}(-|$)`
  return {
    streams:
      categories === undefined
        ? `^(?!${['\\$', ...ASIDE.map(streamsOf)].join('|')})`
        : `^(${categories.map(streamsOf).join('|')})`,
  }
}

/** One call that subscribes, until it fails, ends, or says nothing for too long. */
async function subscribeOnce(client: EventStoreDBClient, after: Position, options: SubscribeOptions) {
  const { service, call, failed } = await streamsOf(client)
  const reading = service.read(subscriptionRequest(after, serverFilter(options.filter)), ...call)
  reading.on('error', failed)
  return { reading, end: () => reading.cancel() }
}

/**
 * Everything after a position and everything new, each once and in order, over any number of broken, silent and ended
 * subscriptions: a new one begins where the last event or checkpoint was.
 *
 * Before each it asks the leader for the head: what is caught up then has passed it, also when a filter left nothing
 * there to see.
 */
export async function* followLog(
  following: Following,
  options: SubscribeOptions,
  signal: AbortSignal,
): AsyncGenerator<SubscriptionMessage, void> {
  const { connection } = following
  let position = options.after ?? START
  let saidCaughtUpAt: Position | undefined
  let wait = FIRST_PAUSE_MS

  while (!signal.aborted) {
    const client = connection.client()
    let end: (() => void) | undefined
    try {
      const head = await following.head()
      const subscription = await subscribeOnce(client, position, options)
      end = subscription.end
      const pull = puller<ReadResp>(subscription.reading, signal)
      let idleMs = following.idleMs
      for (let pulled = await pull(idleMs); isItem(pulled); pulled = await pull(idleMs)) {
        wait = FIRST_PAUSE_MS
        if (isWithoutCheckpoints(pulled.item)) idleMs = Math.min(idleMs, UNTOLD_MS)
        const message = messageOf(pulled.item, { position, head, options })
        if (message === undefined) continue
        if (message.kind === 'caughtUp' && message.position === saidCaughtUpAt) continue
        position = message.kind === 'event' ? message.event.position : message.position
        if (message.kind === 'caughtUp') saidCaughtUpAt = position
        yield message
        if (signal.aborted) return
        if (idleMs < following.idleMs && position !== START) break
      }
    } catch (error) {
      connection.refused(client, error instanceof Error ? convertToCommandError(error) : error)
      await pause(wait, undefined, { signal }).catch(() => undefined)
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS)
    } finally {
      end?.()
    }
  }
}

const isItem = <Item>(pulled: Pulled<Item>): pulled is { readonly item: Item } =>
  pulled !== 'ended' && pulled !== 'idle'

/** Whether a subscription said that its checkpoint is none: it gives no other, however far it comes. */
function isWithoutCheckpoints(response: ReadResp): boolean {
  const checkpoint = response.getCheckpoint()
  return checkpoint !== undefined && checkpointOf(offsetIn(checkpoint)) === undefined
}

const offsetIn = (checkpoint: ReadResp.Checkpoint): LogOffset => ({
  commit: BigInt(checkpoint.getCommitPosition()),
  prepare: BigInt(checkpoint.getPreparePosition()),
})

interface Place {
  readonly position: Position
  readonly head: Position
  readonly options: SubscribeOptions
}

/** What a message tells a reader at this place; `undefined` when it is nothing new, or nothing for this reader. */
function messageOf(response: ReadResp, { position, head, options }: Place): SubscriptionMessage | undefined {
  if (response.hasCaughtUp()) return { kind: 'caughtUp', position: head > position ? head : position }
  const checkpoint = response.getCheckpoint()
  if (checkpoint !== undefined) {
    const reached = checkpointOf(offsetIn(checkpoint))
    return reached !== undefined && reached > position ? { kind: 'checkpoint', position: reached } : undefined
  }
  const event = response.getEvent()?.getEvent()
  if (event === undefined) return undefined
  const received = receivedEvent(event)
  if (!isInLog(received.streamId)) {
    const passed = received.position && positionOf(received.position)
    return passed !== undefined && passed > position ? { kind: 'checkpoint', position: passed } : undefined
  }
  const recorded = recordedEvent(received)
  if (recorded.position <= position) return undefined
  if (!passes(options.filter, recorded)) return { kind: 'checkpoint', position: recorded.position }
  return { kind: 'event', event: recorded }
}
