import {
  AccessDeniedError,
  CancelledError,
  convertToCommandError,
  DeadlineExceededError,
  InvalidArgumentError,
  InvalidTransactionError,
  MaxAppendSizeExceededError,
  StreamDeletedError,
  TimeoutError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import type { Status } from '@eventstore/db-client/generated/status_pb.js'
import streamsMessages, {
  type BatchAppendReq,
  type BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import type { ExpectedRevision, NewEvent } from '@ledgate/eventsourcing'
import { NO_CONNECTION } from './failure.ts'
import type { Streams } from './client-internals.ts'

const { BatchAppendReq: Request } = streamsMessages
const { Empty, MaximumAppendSizeExceeded, StreamIdentifier, UUID, WrongExpectedVersion } = sharedMessages

/** An event of the log, or of an internal stream, whose events have less metadata. */
export type ProposedEvent = Pick<NewEvent, 'id' | 'type' | 'data'> & { readonly metadata: object }

export interface AppendRequest {
  readonly stream: string
  readonly events: readonly ProposedEvent[]
  readonly expected: ExpectedRevision
}

export interface Appended {
  /** Of the last event. */
  readonly revision: bigint
  /** The position of the last event; a server that already had the append may not return it. */
  readonly position: { readonly commit: bigint; readonly prepare: bigint } | undefined
}

/** One `BatchAppend` call, which carries the concurrent appends of a client to the server. */
export interface AppendCall {
  /** Whether it takes another append. */
  isOpen(): boolean
  /** @param onSettled called as soon as the outcome is known, with whether the server committed it on this call. */
  append(request: AppendRequest, onSettled?: (isCommitted: boolean) => void): PendingAppend
}

/** An append that was sent. */
export interface PendingAppend {
  /** @throws the client's errors; `DeadlineExceededError` after `deadlineMs` milliseconds without an answer. */
  readonly answer: Promise<Appended>
  /** Whether it was sent, so that the server may have it. */
  isSent(): boolean
  /** Settles it with an append that was found in the log: the answer is no longer needed. */
  found(appended: Appended): void
}

interface Waiting {
  readonly stream: string
  settle(outcome: Appended | Error): void
}

const DATA_FORMAT = 'application/json'

/**
 * Opens a `BatchAppend` call. One message carries all events of an append and marks it as complete, so a client that is
 * stopped, killed or cancelled midway never leaves part of an append behind; in a plain `Append` each event is a message of
 * its own, and a cancelled call may look like a complete one.
 *
 * The client's own use of this call waits endlessly for a server that is silent or half-closes the connection, and confuses
 * the appends of two clients in one process; so this module keeps its own table of pending appends and its own timeouts.
 */
export function openAppendCall(streams: Promise<Streams>, deadlineMs: number): AppendCall {
  const waiting = new Map<string, Waiting>()
  let isOver = false

  const fail = (error: unknown): void => {
    isOver = true
    for (const { settle } of [...waiting.values()]) settle(callFailure(error))
  }

  const opening = streams.then(({ service, call: how, failed, keep }) => {
    const call = service.batchAppend(...how)
    keep(call)
    call.on('data', (response: BatchAppendResp) => {
      const waiter = waiting.get(response.getCorrelationId()?.getString() ?? '')
      waiter?.settle(outcomeOf(response, waiter.stream))
    })
    call.on('error', (error: Error) => {
      if (!isOver) failed(error)
      fail(error)
    })
    call.on('end', () => {
      call.end()
      fail(new CancelledError(undefined, 'the server closed the call'))
    })
    return call
  })
  opening.catch(fail)

  /** No append is pending and none will follow: the server need not keep the call open. */
  const leave = (): void => void opening.then((call) => call.cancel()).catch(() => undefined)

  return {
    isOpen: () => !isOver,
    append(request, onSettled) {
      const { stream } = request
      const id = crypto.randomUUID()
      const { promise: answer, resolve, reject } = Promise.withResolvers<Appended>()
      let isSent = false
      const timer = setTimeout(() => {
        isOver = true
        const what = isSent ? 'no answer' : NO_CONNECTION
        settle(new DeadlineExceededError(undefined, `${what} within ${deadlineMs} ms`))
      }, deadlineMs)
      const end = (outcome: Appended | Error, isCommitted: boolean): void => {
        if (!waiting.delete(id)) return
        clearTimeout(timer)
        if (isOver && waiting.size === 0) leave()
        onSettled?.(isCommitted)
        if (outcome instanceof Error) reject(outcome)
        else resolve(outcome)
      }
      const settle = (outcome: Appended | Error): void => end(outcome, !(outcome instanceof Error))
      waiting.set(id, { stream, settle })
      opening
        .then((call) => {
          if (!waiting.has(id)) return
          isSent = true
          call.write(requestOf(id, request))
        })
        .catch(fail)
      return { answer, isSent: () => isSent, found: (appended) => end(appended, false) }
    },
  }
}

/** The failure of a whole call. An error of one append in it does not apply to the others. */
function callFailure(error: unknown): Error {
  if (!(error instanceof Error)) return new UnknownError(undefined, String(error))
  const failure = convertToCommandError(error)
  return failure instanceof InvalidArgumentError ? new UnknownError(undefined, error.message) : failure
}

/** The message for a complete append. It has no deadline, because the server would apply its own clock to it. */
function requestOf(id: string, { stream, events, expected }: AppendRequest): BatchAppendReq {
  const options = new Request.Options().setStreamIdentifier(
    new StreamIdentifier().setStreamName(Buffer.from(stream).toString('base64')),
  )
  if (expected === 'any') options.setAny(new Empty())
  else if (expected === 'exists') options.setStreamExists(new Empty())
  else if (expected === 'noStream') options.setNoStream(new Empty())
  else options.setStreamPosition(expected.toString())
  return new Request()
    .setCorrelationId(new UUID().setString(id))
    .setOptions(options)
    .setProposedMessagesList(events.map(proposedMessage))
    .setIsFinal(true)
}

function proposedMessage({ id, type, data, metadata }: ProposedEvent): BatchAppendReq.ProposedMessage {
  const message = new Request.ProposedMessage()
    .setId(new UUID().setString(id))
    .setData(Buffer.from(JSON.stringify(data)))
    .setCustomMetadata(Buffer.from(JSON.stringify(metadata)))
  message.getMetadataMap().set('type', type).set('content-type', DATA_FORMAT)
  return message
}

function outcomeOf(response: BatchAppendResp, stream: string): Appended | Error {
  const error = response.getError()
  if (error !== undefined) return errorOf(error, stream)
  const success = response.getSuccess()
  if (success === undefined) return new UnknownError(undefined, 'the server sent an empty answer')
  const position = success.getPosition()
  return {
    revision: BigInt(success.getCurrentRevision()),
    position: position && {
      commit: BigInt(position.getCommitPosition()),
      prepare: BigInt(position.getPreparePosition()),
    },
  }
}

/** The server's error for one append (Streams.BatchAppend.cs, Status.cs), as an error of the client. */
function errorOf(error: Status, stream: string): Error {
  const details = error.getDetails()
  const name = details?.getTypeName() ?? ''
  const kind = name.slice(name.lastIndexOf('.') + 1)
  if (kind === 'WrongExpectedVersion') {
    const wrong = details?.unpack(WrongExpectedVersion.deserializeBinary, name)
    if (wrong) return WrongExpectedVersionError.fromWrongExpectedVersion(wrong, stream)
  }
  if (kind === 'AccessDenied') return new AccessDeniedError(undefined, error.getMessage())
  if (kind === 'Timeout') return new TimeoutError(undefined, 'the server had no quorum in time')
  if (kind === 'MaximumAppendSizeExceeded') {
    const exceeded = details?.unpack(MaximumAppendSizeExceeded.deserializeBinary, name)
    return MaxAppendSizeExceededError.fromMaxAppendSize(exceeded?.getMaxappendsize() ?? 0)
  }
  // Servers from 25.1 on name one event of it; the client's messages have no field for that.
  if (kind === 'MaximumAppendEventSizeExceeded') return MaxAppendSizeExceededError.fromMaxAppendSize(0)
  if (kind === 'StreamDeleted') return StreamDeletedError.fromStreamName(stream)
  if (kind === 'BadRequest') return new InvalidArgumentError(error.getMessage() || name)
  if (kind === 'InvalidTransaction') return new InvalidTransactionError(undefined, error.getMessage() || name)
  return new UnknownError(undefined, error.getMessage() || name)
}
