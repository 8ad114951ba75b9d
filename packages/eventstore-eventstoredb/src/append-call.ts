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
import type { Streams } from './inside.ts'

const { BatchAppendReq: Request } = streamsMessages
const { Empty, MaximumAppendSizeExceeded, StreamIdentifier, UUID, WrongExpectedVersion } = sharedMessages

/** An event of the log, or of a stream beside it that says less. */
export type ProposedEvent = Pick<NewEvent, 'id' | 'type' | 'data'> & { readonly metadata: object }

export interface AppendRequest {
  readonly stream: string
  readonly events: readonly ProposedEvent[]
  readonly expected: ExpectedRevision
}

export interface Appended {
  /** Of the last event. */
  readonly revision: bigint
  /** Where the last event stands; a server that knew the append already may not say. */
  readonly position: { readonly commit: bigint; readonly prepare: bigint } | undefined
}

/** One `BatchAppend` call, on which the appends of a client go to the server side by side. */
export interface AppendCall {
  /** Whether it takes another append. */
  isOpen(): boolean
  /** @param onSettled told at once when the outcome is known, and whether it is that the server committed it on this call. */
  append(request: AppendRequest, onSettled?: (isCommitted: boolean) => void): PendingAppend
}

/** An append that was sent. */
export interface PendingAppend {
  /** @throws the client's errors; `DeadlineExceededError` after `deadlineMs` milliseconds without an answer. */
  readonly answer: Promise<Appended>
  /** Whether it was sent: then the server may have it. */
  isSent(): boolean
  /** It was found in the log, whoever committed it: the answer is no longer waited for. */
  found(appended: Appended): void
}

interface Waiting {
  readonly stream: string
  settle(outcome: Appended | Error): void
}

const DATA_FORMAT = 'application/json'

/**
 * Opens a `BatchAppend` call. One message carries all events of an append and says that it is whole, so a client that is
 * stopped, killed or cancelled in the middle never leaves a part of an append behind; in a plain `Append` each event is a
 * message of its own, and a call that is cancelled may end like one that is complete.
 *
 * The client's own way to this call waits without an end for a server that is silent or closes by half, and mixes up the
 * appends of two clients in one process; so the table of who waits, and the clock, are ours.
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
      fail(new CancelledError(undefined, 'the server ended the call'))
    })
    return call
  })
  opening.catch(fail)

  /** Nobody waits any more, and nobody will: the server need not keep the call. */
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

/** That a call failed. What was wrong with one append of it says nothing about those beside it. */
function callFailure(error: unknown): Error {
  if (!(error instanceof Error)) return new UnknownError(undefined, String(error))
  const failure = convertToCommandError(error)
  return failure instanceof InvalidArgumentError ? new UnknownError(undefined, error.message) : failure
}

/** The message of a whole append. It names no deadline: the server would judge that by its own clock. */
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
  if (success === undefined) return new UnknownError(undefined, 'an answer that says nothing')
  const position = success.getPosition()
  return {
    revision: BigInt(success.getCurrentRevision()),
    position: position && {
      commit: BigInt(position.getCommitPosition()),
      prepare: BigInt(position.getPreparePosition()),
    },
  }
}

/** What the server says of one append (Streams.BatchAppend.cs, Status.cs), as the client's errors. */
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
  // Servers from 25.1 on name one event of it; the messages of the client do not know the details.
  if (kind === 'MaximumAppendEventSizeExceeded') return MaxAppendSizeExceededError.fromMaxAppendSize(0)
  if (kind === 'StreamDeleted') return StreamDeletedError.fromStreamName(stream)
  if (kind === 'BadRequest') return new InvalidArgumentError(error.getMessage() || name)
  if (kind === 'InvalidTransaction') return new InvalidTransactionError(undefined, error.getMessage() || name)
  return new UnknownError(undefined, error.getMessage() || name)
}
