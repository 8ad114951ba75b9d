import anyMessages from 'google-protobuf/google/protobuf/any_pb.js'
import codeMessages, { type Code as CodeOf } from '@eventstore/db-client/generated/code_pb.js'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import statusMessages from '@eventstore/db-client/generated/status_pb.js'
import streamsMessages, { type AppendReq, type BatchAppendReq } from '@eventstore/db-client/generated/streams_pb.js'
import type { Refusal } from './faults.ts'
import type { Answer } from './pending-answers.ts'
import { ANY, EXISTS, NO_STREAM } from './commit-check.ts'
import { positionOf } from './log-position.ts'
import { type ProposedEvent, revisionText } from './stored-event.ts'
import { NOT_READY } from './wire.ts'

const { Any } = anyMessages
const { Code } = codeMessages
const { Status } = statusMessages
const { AppendResp, BatchAppendResp } = streamsMessages
const {
  AccessDenied,
  AllStreamPosition,
  BadRequest,
  Empty,
  MaximumAppendSizeExceeded,
  StreamDeleted,
  StreamIdentifier,
  Timeout,
  WrongExpectedVersion,
} = sharedMessages

/** What an append or a deletion expects, as the number the log judges by (Streams.BatchAppend.cs, Streams.Append.cs). */
interface Expecting {
  hasAny(): boolean
  hasNoStream(): boolean
  hasStreamExists(): boolean
}
export function expectationOf(options: Expecting, revision: string): number {
  if (options.hasAny()) return ANY
  if (options.hasStreamExists()) return EXISTS
  return options.hasNoStream() ? NO_STREAM : Number(revision)
}

/** MaxAppendSize, up to 25.0. */
export const MOST_BYTES = 1024 * 1024
const UUID = /^[\da-f]{8}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{4}-?[\da-f]{12}$/i
const BYTES_PER_CHARACTER = 2

/** What an append takes of the size that is allowed (Event.SizeOnDisk). */
export const sizeOf = (events: readonly ProposedEvent[]): number =>
  events.reduce(
    (sum, { type, data, metadata }) => sum + data.length + metadata.length + type.length * BYTES_PER_CHARACTER,
    0,
  )

/** @returns `undefined` for what can be no event: an id that is no UUID, no type, no content type. */
export function proposedEvent(
  message: BatchAppendReq.ProposedMessage | AppendReq.ProposedMessage,
): ProposedEvent | undefined {
  const map = message.getMetadataMap()
  const id = message.getId()?.getString() ?? ''
  const type = map.get('type') ?? ''
  const contentType = map.get('content-type')
  if (!UUID.test(id) || type === '' || contentType === undefined) return undefined
  return { id, type, contentType, data: message.getData_asU8(), metadata: message.getCustomMetadata_asU8() }
}

type BatchAnswer = InstanceType<typeof BatchAppendResp>

/** An error of one append (Grpc/Status.cs): its kind is the type of its details. */
function refused(code: CodeOf, kind: string, details: { serializeBinary(): Uint8Array }): BatchAnswer {
  const packed = new Any()
  packed.pack(details.serializeBinary(), `event_store.client.${kind}`)
  return new BatchAppendResp().setError(new Status().setCode(code).setMessage(kind).setDetails(packed))
}

export const deniedResponse = () => refused(Code.PERMISSION_DENIED, 'AccessDenied', new AccessDenied())
export const timeoutResponse = () => refused(Code.DEADLINE_EXCEEDED, 'Timeout', new Timeout())
export const badRequestResponse = () => refused(Code.INVALID_ARGUMENT, 'BadRequest', new BadRequest())
export const tooLargeResponse = () =>
  refused(
    Code.INVALID_ARGUMENT,
    'MaximumAppendSizeExceeded',
    new MaximumAppendSizeExceeded().setMaxappendsize(MOST_BYTES),
  )
/** An error without details that this client knows: up to 25.0 there is none of that name. */
function refusedAs(kind: string): BatchAnswer {
  return refused(Code.INVALID_ARGUMENT, kind, new Empty())
}

/** That an append is refused for what it is. */
export function refusalResponse(why: Refusal, stream: string): BatchAnswer {
  if (why === 'streamDeleted') return deletedResponse(stream)
  if (why === 'badRequest') return badRequestResponse()
  return refusedAs(why === 'eventTooLarge' ? 'MaximumAppendEventSizeExceeded' : 'InvalidTransaction')
}

export function notReadyResponse(message = NOT_READY): BatchAnswer {
  const packed = new Any()
  packed.pack(new Empty().serializeBinary(), 'google.protobuf.Empty')
  return new BatchAppendResp().setError(new Status().setMessage(message).setDetails(packed))
}

const deletedResponse = (stream: string) =>
  refused(
    Code.NOT_FOUND,
    'StreamDeleted',
    new StreamDeleted().setStreamIdentifier(
      new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64')),
    ),
  )

/** The answer to an append of a batch (Streams.BatchAppend.cs). */
export function batchResponse(answer: Answer, stream: string, options: BatchAppendReq.Options): BatchAnswer {
  if (answer.kind === 'timeout') return timeoutResponse()
  if (answer.kind === 'streamDeleted') return deletedResponse(stream)
  if (answer.kind === 'success') {
    const success = new BatchAppendResp.Success()
    if (answer.revision < 0) success.setNoStream(new Empty())
    else success.setCurrentRevision(revisionText(answer.revision))
    if (answer.index === undefined) success.setNoPosition(new Empty())
    else success.setPosition(allPosition(answer.index))
    return new BatchAppendResp().setSuccess(success)
  }
  const wrong = new WrongExpectedVersion()
  if (answer.current < 0) wrong.setCurrentNoStream(new Empty())
  else wrong.setCurrentStreamRevision(String(answer.current))
  if (options.hasAny()) wrong.setExpectedAny(new Empty())
  else if (options.hasStreamExists()) wrong.setExpectedStreamExists(new Empty())
  else if (options.hasNoStream()) wrong.setExpectedNoStream(new Empty())
  else wrong.setExpectedStreamPosition(options.getStreamPosition())
  return refused(Code.ALREADY_EXISTS, 'WrongExpectedVersion', wrong)
}

function allPosition(index: number) {
  const { commit, prepare } = positionOf(index)
  return new AllStreamPosition().setCommitPosition(String(commit)).setPreparePosition(String(prepare))
}

/** The answer to an append by a call of its own, where it is no error of the call (Streams.Append.cs). */
export function appendResponse(answer: Extract<Answer, { kind: 'success' | 'wrongExpectedVersion' }>) {
  if (answer.kind === 'success') {
    const success = new AppendResp.Success()
    if (answer.revision < 0) success.setNoStream(new Empty())
    else success.setCurrentRevision(revisionText(answer.revision))
    if (answer.index === undefined) return new AppendResp().setSuccess(success.setNoPosition(new Empty()))
    const offset = String(positionOf(answer.index).commit)
    const position = new AppendResp.Position().setCommitPosition(offset).setPreparePosition(offset)
    return new AppendResp().setSuccess(success.setPosition(position))
  }
  const wrong = new AppendResp.WrongExpectedVersion()
  if (answer.current < 0) wrong.setCurrentNoStream(new Empty())
  else wrong.setCurrentRevision(String(answer.current))
  return new AppendResp().setWrongExpectedVersion(wrong)
}
