import { setTimeout as pause } from 'node:timers/promises'
import type { Readable } from 'node:stream'
import { streamNameFilter, type AllStreamResolvedEvent, type EventStoreDBClient } from '@eventstore/db-client'
import { passes, type Position, START, type SubscribeOptions, type SubscriptionMessage } from '@ledgate/eventsourcing'
import type { Connection } from './connection.ts'
import { offsetOf, positionOf, type LogOffset } from './position.ts'
import { puller } from './pull.ts'
import { ASIDE, isInLog, recordedEvent } from './recorded.ts'

export interface Following {
  readonly connection: Connection
  head(): Promise<Position>
  /** Milliseconds without a word after which a subscription is taken for dead. */
  readonly idleMs: number
}

/** What a live subscription is made to say in between its events, at the place where it belongs. */
type Mark = { readonly mark: 'caughtUp' } | { readonly mark: 'checkpoint'; readonly offset: LogOffset }
type Item = AllStreamResolvedEvent | Mark

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000
/** Events that the server looks at before it tells how far it has come: so much is looked at again after a restart. */
const SEARCH_WINDOW = 256

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')

/** What the server leaves out: its own streams, what is no part of the log, and categories nobody asked for. */
function serverFilter(categories: readonly string[] | undefined): string {
  const streamsOf = (each: string) => `${escaped(each)}(-|$)`
  return categories === undefined
    ? `^(?!${['\\$', ...ASIDE.map(streamsOf)].join('|')})`
    : `^(${categories.map(streamsOf).join('|')})`
}

/**
 * One subscription of the client, until it fails, ends, or says nothing for too long. What it tells by callback is put
 * in line with its events: the client buffers those, so that a callback would overtake them.
 */
function subscribeOnce(client: EventStoreDBClient, after: Position, options: SubscribeOptions) {
  const filter = serverFilter(options.filter?.categories)
  const subscription = client.subscribeToAll({
    fromPosition: offsetOf(after),
    requiresLeader: true,
    filter: streamNameFilter({
      regex: filter,
      checkpointInterval: 1,
      maxSearchWindow: SEARCH_WINDOW,
      checkpointReached: (_, offset) => say({ mark: 'checkpoint', offset }),
    }),
  })
  const line = subscription as unknown as Readable
  const say = (mark: Mark): void => void line.push(mark)
  subscription.on('caughtUp', () => say({ mark: 'caughtUp' }))
  return { line, end: () => subscription.unsubscribe().catch(() => undefined) }
}

/**
 * Everything after a position and everything new, each once and in order, over any number of broken, silent and ended
 * subscriptions of the client: a new one begins where the last event or checkpoint was.
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
    let end: (() => Promise<unknown>) | undefined
    try {
      const head = await following.head()
      const subscription = subscribeOnce(client, position, options)
      end = subscription.end
      const pull = puller<Item>(subscription.line, following.idleMs, signal)
      for (let pulled = await pull(); pulled !== 'ended' && pulled !== 'idle'; pulled = await pull()) {
        wait = FIRST_PAUSE_MS
        const message = messageOf(pulled.item, { position, head, options })
        if (message === undefined) continue
        if (message.kind === 'caughtUp' && message.position === saidCaughtUpAt) continue
        position = message.kind === 'event' ? message.event.position : message.position
        if (message.kind === 'caughtUp') saidCaughtUpAt = position
        yield message
        if (signal.aborted) return
      }
    } catch (error) {
      connection.refused(client, error)
      await pause(wait, undefined, { signal }).catch(() => undefined)
      wait = Math.min(wait * 2, LONGEST_PAUSE_MS)
    } finally {
      await end?.()
    }
  }
}

interface Place {
  readonly position: Position
  readonly head: Position
  readonly options: SubscribeOptions
}

/** What an item tells a reader at this place; `undefined` when it is nothing new, or nothing for this reader. */
function messageOf(item: Item, { position, head, options }: Place): SubscriptionMessage | undefined {
  if ('mark' in item) {
    if (item.mark === 'caughtUp') return { kind: 'caughtUp', position: head > position ? head : position }
    const reached = positionOf(item.offset)
    return reached > position ? { kind: 'checkpoint', position: reached } : undefined
  }
  const { event } = item
  if (event === undefined || !isInLog(event.streamId)) return undefined
  const recorded = recordedEvent(event)
  if (recorded.position <= position) return undefined
  if (!passes(options.filter, recorded.stream)) return { kind: 'checkpoint', position: recorded.position }
  return { kind: 'event', event: recorded }
}
