import {
  appendSettled,
  type AppendResult,
  eventId,
  type EventStore,
  type ExpectedRevision,
  lastEvents,
  type NewEvent,
} from '@ledgate/eventsourcing'
import type { Sealer } from '@ledgate/vault'
import type { DomainEvent } from './catalogue.ts'
import { decode, type DomainRecord, encode } from './codec.ts'
import type { CommandContext, Envelope } from './envelope.ts'

export interface LogAppend {
  readonly expected: ExpectedRevision
  readonly context: CommandContext
  /** The data key of the person the events are about: their source is sealed under it. */
  readonly dataKey?: string | undefined
}

/** The event store in the words of the domain: typed events in and out, each in its envelope. */
export interface EventLog {
  /** The last events of a stream, newest first; none when the stream is not there. Never older than the call. */
  last(stream: string, max?: number): Promise<readonly DomainRecord[]>
  /** Events of a stream from a revision (its end unless told) backwards, newest first. */
  page(stream: string, from: bigint | undefined, max: number): Promise<readonly DomainRecord[]>
  /**
   * Appends all events or none, durably; an unknown outcome is settled before it answers. The ids of the events come
   * from the command and the stream, so a command appends to each stream once.
   *
   * @throws {Conflict} when the stream is not as expected.
   * @throws {Unavailable | UnknownOutcome} when the store cannot say now.
   */
  append(stream: string, events: readonly DomainEvent[], options: LogAppend): Promise<AppendResult>
  /** The store below, for those who follow the whole log. */
  readonly store: EventStore
}

async function envelopeOf({ context, dataKey }: LogAppend, sealer: Sealer): Promise<Omit<Envelope, 'schema'>> {
  const { correlationId, causationId, actor, clientId, source, traceparent } = context
  const kept = source && dataKey ? await sealer.seal(dataKey, 'source', JSON.stringify(source)) : source
  return {
    $correlationId: correlationId,
    $causationId: causationId,
    actor,
    ...(clientId !== undefined && { client_id: clientId }),
    ...(kept !== undefined && { source: kept }),
    ...(traceparent !== undefined && { traceparent }),
  }
}

/** The log over a store; personal data of the envelope is sealed by `sealer`. */
export function eventLog(store: EventStore, sealer: Sealer): EventLog {
  return {
    store,

    async last(stream, max = 1) {
      const events = await lastEvents(store, stream, max)
      return events.map(decode).filter((record) => record !== undefined)
    },

    async page(stream, from, max) {
      const events = await store.read(stream, { direction: 'backwards', max, ...(from !== undefined && { from }) })
      return events.map(decode).filter((record) => record !== undefined)
    },

    async append(stream, events, options) {
      const envelope = await envelopeOf(options, sealer)
      const command = `${options.context.commandId}:${stream}`
      const encoded = events.map((event, index): NewEvent => {
        const { data, schema } = encode(event)
        return { id: eventId(command, index), type: event.type, data, metadata: { schema, ...envelope } }
      })
      return appendSettled(store, stream, encoded, { expected: options.expected })
    },
  }
}
