import anyMessages from 'google-protobuf/google/protobuf/any_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import statusMessages from '@eventstore/db-client/generated/status_pb.js'
import streamsMessages, {
  type BatchAppendReq,
  type ReadReq,
  type ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import { Metadata, type ServiceError, type status } from '@grpc/grpc-js'
import type { Judged, ProposedEvent, StoredEvent } from './protocol-log.ts'

const { Any } = anyMessages
const { Status } = statusMessages
const { BatchAppendResp: Appended, ReadResp: Read } = streamsMessages
const { AccessDenied, AllStreamPosition, Empty, StreamIdentifier, Timeout, UUID, WrongExpectedVersion } = sharedMessages

const TICKS_PER_MS = 10_000n
const ANY = -2
const EXISTS = -3
const NO_STREAM = -1

const nameBytes = (name: string) => Buffer.from(name).toString('base64')
export const nameOf = (identifier: { getStreamName_asU8(): Uint8Array } | undefined): string =>
  Buffer.from(identifier?.getStreamName_asU8() ?? []).toString()

/** An error as the server sends it: a status, and trailers that tell its kind (RpcExceptions.cs, Constants.cs). */
export function rpcError(code: status, details: string, trailers: Readonly<Record<string, string>> = {}): ServiceError {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(trailers)) metadata.set(name, value)
  return Object.assign(new Error(details), { code, details, metadata })
}

/** What an append expects, as the number the log judges by (Streams.BatchAppend.cs). */
export function expectationOf(options: BatchAppendReq.Options): number {
  if (options.hasAny()) return ANY
  if (options.hasStreamExists()) return EXISTS
  return options.hasNoStream() ? NO_STREAM : Number(options.getStreamPosition())
}

export function proposedEvent(message: BatchAppendReq.ProposedMessage): ProposedEvent {
  const map = message.getMetadataMap()
  return {
    id: message.getId()?.getString() ?? '',
    type: map.get('type') ?? '',
    contentType: map.get('content-type') ?? '',
    data: message.getData_asU8(),
    metadata: message.getCustomMetadata_asU8(),
  }
}

type Answer = InstanceType<typeof Appended>

/** An error of one append (Status.cs): its kind is the type of its details. */
function refusedResponse(message: string, kind: string, details: { serializeBinary(): Uint8Array }): Answer {
  const packed = new Any()
  packed.pack(details.serializeBinary(), kind)
  return new Appended().setError(new Status().setMessage(message).setDetails(packed))
}

const ofClient = (name: string) => `event_store.client.${name}`
export const deniedResponse = () => refusedResponse('Access denied', ofClient('AccessDenied'), new AccessDenied())
export const timeoutResponse = () => refusedResponse('Timeout', ofClient('Timeout'), new Timeout())
export const notHandledResponse = (message: string) => refusedResponse(message, 'google.protobuf.Empty', new Empty())

/** The answer to an append, a conflict included (Streams.BatchAppend.cs). */
export function appendResponse(judged: Judged, options: BatchAppendReq.Options): Answer {
  if (judged.kind === 'success') {
    const success = new Appended.Success().setCurrentRevision(String(judged.revision))
    if (judged.offset === undefined) return new Appended().setSuccess(success.setNoPosition(new Empty()))
    const offset = String(judged.offset)
    const position = new AllStreamPosition().setCommitPosition(offset).setPreparePosition(offset)
    return new Appended().setSuccess(success.setPosition(position))
  }
  const wrong = new WrongExpectedVersion()
  if (judged.current < 0) wrong.setCurrentNoStream(new Empty())
  else wrong.setCurrentStreamRevision(String(judged.current))
  if (options.hasAny()) wrong.setExpectedAny(new Empty())
  else if (options.hasStreamExists()) wrong.setExpectedStreamExists(new Empty())
  else if (options.hasNoStream()) wrong.setExpectedNoStream(new Empty())
  else wrong.setExpectedStreamPosition(options.getStreamPosition())
  return refusedResponse('Wrong expected version', ofClient('WrongExpectedVersion'), wrong)
}

/** An event of a read (Streams.Read.cs); `created` in .NET ticks since 1970. */
export function eventResponse(stored: StoredEvent): ReadResp {
  const offset = String(stored.offset)
  const recorded = new Read.ReadEvent.RecordedEvent()
    .setId(new UUID().setString(stored.id))
    .setStreamIdentifier(new StreamIdentifier().setStreamName(nameBytes(stored.stream)))
    .setStreamRevision(String(stored.revision))
    .setCommitPosition(offset)
    .setPreparePosition(offset)
    .setData(stored.data)
    .setCustomMetadata(stored.metadata)
  recorded
    .getMetadataMap()
    .set('type', stored.type)
    .set('content-type', stored.contentType)
    .set('created', String(BigInt(stored.created) * TICKS_PER_MS))
  return new Read().setEvent(new Read.ReadEvent().setEvent(recorded).setCommitPosition(offset))
}

export const confirmationResponse = (id: string): ReadResp =>
  new Read().setConfirmation(new Read.SubscriptionConfirmation().setSubscriptionId(id))
export const caughtUpResponse = (): ReadResp => new Read().setCaughtUp(new Read.CaughtUp())
export const checkpointResponse = (offset: number): ReadResp =>
  new Read().setCheckpoint(new Read.Checkpoint().setCommitPosition(String(offset)).setPreparePosition(String(offset)))
export const notFoundResponse = (stream: string): ReadResp =>
  new Read().setStreamNotFound(
    new Read.StreamNotFound().setStreamIdentifier(new StreamIdentifier().setStreamName(nameBytes(stream))),
  )

export interface Filter {
  passes(stored: StoredEvent): boolean
  /** Events looked at between two checkpoints. */
  readonly interval: number
}

const DEFAULT_WINDOW = 32

/** The filter of a subscription to the whole log (Streams.Read.cs, ConvertToEventFilter). */
export function filterOf(options: ReadReq.Options): Filter | undefined {
  const filter = options.getFilter()
  if (filter === undefined) return undefined
  const byStream = filter.getStreamIdentifier()
  const expression = byStream ?? filter.getEventType()
  const prefixes = expression?.getPrefixList() ?? []
  const regex = new RegExp(expression?.getRegex() ?? '', 'u')
  const window = filter.hasMax() ? filter.getMax() : DEFAULT_WINDOW
  return {
    passes(stored) {
      const text = byStream === undefined ? stored.type : stored.stream
      return prefixes.length > 0 ? prefixes.some((prefix) => text.startsWith(prefix)) : regex.test(text)
    },
    interval: window * filter.getCheckpointintervalmultiplier(),
  }
}
