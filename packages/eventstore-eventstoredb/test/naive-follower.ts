import { setTimeout as pause } from 'node:timers/promises'
import { convertToCommandError } from '@eventstore/db-client'
import {
  matchesFilter,
  type Position,
  START,
  type SubscribeOptions,
  type SubscriptionMessage,
} from '@ledgate/eventsourcing'
import { openConnection } from '../src/connection.ts'
import { streamsOf } from '../src/client-internals.ts'
import { positionOf } from '../src/position.ts'
import { trackAbort } from '../src/abort-state.ts'
import { puller } from '../src/pull.ts'
import { subscriptionRequest } from '../src/read-request.ts'
import type { ReadMessage } from '../src/read-response.ts'
import { isInLog, recordedEvent } from '../src/recorded.ts'

export interface NaiveOptions {
  readonly url: string
  readonly attemptMs: number
  readonly idleMs: number
  head(): Promise<Position>
}

/**
 * For controls: takes its client, then asks for the head of the log, then believes that a subscription of that client has
 * come to that head when it says that it has caught up.
 */
export function naiveFollower({ url, attemptMs, idleMs, head }: NaiveOptions) {
  const connection = openConnection({ url, attemptMs })
  async function* subscribe({
    after,
    filter,
    signal = new AbortController().signal,
  }: SubscribeOptions = {}): AsyncGenerator<SubscriptionMessage, void> {
    let position = after ?? START
    while (!signal.aborted) {
      const client = connection.client()
      let end: (() => void) | undefined
      try {
        const told = await head()
        const { read, failed } = await streamsOf(client)
        const reading = read(subscriptionRequest(position, { streams: '' }))
        reading.on('error', failed)
        end = () => reading.cancel()
        const pull = puller<ReadMessage>(reading, trackAbort(signal))
        for (;;) {
          const pulled = await pull(idleMs)
          if (pulled === 'idle' || pulled === 'ended') break
          if (pulled.item.kind === 'caughtUp') {
            position = told > position ? told : position
            yield { kind: 'caughtUp', position }
          }
          if (pulled.item.kind !== 'event') continue
          const received = pulled.item.event
          const at = received.position ? positionOf(received.position) : START
          if (at <= position || !isInLog(received.streamId)) continue
          position = at
          if (matchesFilter(filter, { stream: received.streamId, type: received.type }))
            yield { kind: 'event', event: recordedEvent(received) }
        }
      } catch (error) {
        connection.refused(client, error instanceof Error ? convertToCommandError(error) : error)
        await pause(20, undefined, { signal }).catch(() => undefined)
      } finally {
        end?.()
      }
    }
  }
  return { subscribe, close: connection.close }
}
