import {
  runOutsideDecision,
  appendIdempotently,
  type AppendResult,
  eventId,
  type EventStore,
  type ExpectedRevision,
  isDeciding,
  readLastEvents,
  type NewEvent,
  type Position,
  type RecordedEvent,
  decisionRun,
} from '@ledgate/eventsourcing'
import type { Sealer } from '@ledgate/vault'
import type { AnyEvent, AnyRecord, EventCodec } from './codec.ts'
import type { CommandContext, Envelope } from './envelope.ts'
import { leaveRoom } from './room.ts'
import type { RecordOf, StreamName } from './stream.ts'
import { coalesceAppends } from './coalesce-appends.ts'

export interface LogAppend {
  readonly expected: ExpectedRevision
  readonly context: CommandContext
  /** The data key of the user the events are about: their source is sealed under it. */
  readonly dataKey?: string | undefined
}

/** The event store in the words of the domain: typed events in and out, each in its envelope. */
export interface EventLog {
  /** The last events of a stream, newest first; none when the stream is not there. Never older than the call. */
  last<Event extends AnyEvent>(stream: StreamName<Event>, max?: number): Promise<readonly RecordOf<Event>[]>
  /** Whether a stream has an event, of whatever type: also of one that only a newer Ledgate knows. Never older than the call. */
  exists(stream: string): Promise<boolean>
  /** Events of a stream from a revision (default: its end) backwards, newest first. */
  page<Event extends AnyEvent>(
    stream: StreamName<Event>,
    from: bigint | undefined,
    max: number,
  ): Promise<readonly RecordOf<Event>[]>
  /**
   * Appends all events or none, durably; an unknown outcome is settled before it answers. The ids of the events come
   * from the command and the stream, so a command appends to each stream once each time it is decided. What names a revision that
   * was read is a part of the decision that read it (`runDecision`). The authority of the command is established
   * first, after whatever was read to decide it: when the expected revision of a stream is still the one, nothing of that
   * stream ended it in between.
   *
   * @throws {OAuthError} when the authority of the command has ended; nothing was written.
   * @throws {Conflict} when the stream is not as expected.
   * @throws {TypeError} when it names a revision outside of a decision.
   * @throws {TooLarge} when an event that ends nothing would leave too little room for the one that does.
   * @throws {Unavailable | UnknownOutcome} when the store cannot say now.
   */
  append<Event extends AnyEvent>(
    stream: StreamName<Event>,
    events: readonly NoInfer<Event>[],
    options: LogAppend,
  ): Promise<AppendResult>
  /**
   * Appends one event to a stream that no revision protects, together with others that go there at once.
   *
   * @returns a position that is not before the event's own.
   * @throws {Unavailable | UnknownOutcome} when the store cannot say now.
   */
  record<Event extends AnyEvent>(
    stream: StreamName<Event>,
    event: NoInfer<Event>,
    options: Omit<LogAppend, 'expected'>,
  ): Promise<Position>
  /** A recorded event of any stream; `undefined` when a newer Ledgate wrote it. @throws {ZodError} for a poison event. */
  decode(recorded: RecordedEvent): AnyRecord | undefined
  /** The store below, for processes that follow the whole log. */
  readonly store: EventStore
}

type Command = Omit<LogAppend, 'expected'>

async function envelopeOf({ context, dataKey }: Command, sealer: Sealer): Promise<Omit<Envelope, 'schema'>> {
  const { correlationId, causationId, actor, clientId, source, traceparent } = context
  const told = source && { hash: source.hash, text: source.text }
  const kept = told && dataKey ? await sealer.seal(dataKey, 'source', JSON.stringify(told)) : told
  return {
    $correlationId: correlationId,
    $causationId: causationId,
    actor,
    ...(clientId !== undefined && { client_id: clientId }),
    ...(kept !== undefined && { source: kept }),
    ...(traceparent !== undefined && { traceparent }),
  }
}

/** Every type of event there is. */
export interface Catalogue {
  readonly codec: EventCodec<AnyEvent>
  /** Whether an event of this type may take as much room as any event has. */
  mayFill(type: string): boolean
}

export interface EventLogOptions {
  readonly store: EventStore
  /** Seals personal data of the envelope. */
  readonly sealer: Sealer
  readonly catalogue: Catalogue
}

/** The log over a store. An event that is not in the catalogue cannot be appended. */
export function openEventLog({ store, sealer, catalogue: { codec, mayFill } }: EventLogOptions): EventLog {
  const recordCoalesced = coalesceAppends((stream, events) =>
    appendIdempotently(store, stream, events, { expected: 'any' }),
  )

  /** What is appended when a command is decided again is something else. */
  const idOf = ({ context }: Command, stream: string): string => {
    const run = decisionRun()
    return run === 0 ? `${context.commandId}:${stream}` : `${context.commandId}/${run}:${stream}`
  }

  async function encoded(stream: string, events: readonly AnyEvent[], options: Command): Promise<NewEvent[]> {
    const envelope = await envelopeOf(options, sealer)
    const command = idOf(options, stream)
    const own = events.map((event, index) => {
      const { data, schema } = codec.encode(event)
      return { id: eventId(command, index), type: event.type, data, metadata: { schema, ...envelope } }
    })
    leaveRoom(own, mayFill)
    return own
  }

  /** Nothing but events of a stream is appended to it. */
  const ofStream = <Event>(recorded: readonly RecordedEvent[]) =>
    recorded.map(codec.decode).filter((record) => record !== undefined) as unknown as readonly RecordOf<Event>[]

  return {
    store,
    decode: codec.decode,

    last: async (stream, max = 1) => ofStream(await readLastEvents(store, stream, max)),

    exists: async (stream) => (await readLastEvents(store, stream)).length > 0,

    async page(stream, from, max) {
      return ofStream(await store.read(stream, { direction: 'backwards', max, ...(from !== undefined && { from }) }))
    },

    async append(stream, events, options) {
      if (typeof options.expected === 'bigint' && !isDeciding()) throw new TypeError('decided by no reads')
      const own = await encoded(stream, events, options)
      await options.context.authority?.establish()
      return appendIdempotently(store, stream, own, { expected: options.expected })
    },

    async record(stream, event, options) {
      const [own] = await encoded(stream, [event], options)
      if (own === undefined) throw new TypeError('nothing to record')
      await options.context.authority?.establish()
      return runOutsideDecision(() => recordCoalesced(stream, own))
    },
  }
}
