import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import {
  type AppendReq,
  type AppendResp,
  type BatchAppendReq,
  type BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import {
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import {
  appendResponse,
  badRequestResponse,
  batchResponse,
  deniedResponse,
  expectationOf,
  MOST_BYTES,
  notReadyResponse,
  proposedEvent,
  refusalResponse,
  sizeOf,
  timeoutResponse,
  tooLargeResponse,
} from './append-messages.ts'
import { isRefusal } from './faults.ts'
import type { Answer } from './pending-answers.ts'
import { callerRefusal, faultError, isError, notReady, type Serving, wantsLeader, writerFor } from './serving.ts'
import type { ProposedEvent } from './stored-event.ts'
import { broken, fail, nameOf, rpcError, streamDeleted } from './wire.ts'

const { UUID } = sharedMessages

interface Pending {
  readonly options: BatchAppendReq.Options
  readonly events: ProposedEvent[]
}

type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>

/**
 * `BatchAppend` (Streams.BatchAppend.cs): appends side by side, each in one message or more, known by their correlation
 * id and written when the last of their messages is there. Answers come when they come; a node that does not lead ends
 * the call, and so whatever else is under way on it.
 */
export function serveBatchAppend(serving: Serving) {
  return (call: BatchCall): void => {
    const pending = new Map<string, Pending>()
    call.on('error', () => undefined)
    // Whoever half-closes may not get the answers to what is under way.
    call.on('end', () => serving.member.whenAwake(() => call.end()))
    call.on('data', (request: BatchAppendReq) => serving.member.whenAwake(() => take(serving, call, pending, request)))
  }
}

/** One message of an append. */
function take(serving: Serving, call: BatchCall, pending: Map<string, Pending>, request: BatchAppendReq): void {
  const id = request.getCorrelationId()?.getString() ?? ''
  const options = request.getOptions()
  if (options) pending.set(id, { options, events: [] })
  const found = pending.get(id)
  if (found === undefined) return
  const answer = (response: BatchAppendResp): void =>
    serving.member.whenAwake(() => {
      response.setCorrelationId(new UUID().setString(id))
      call.write(response.setStreamIdentifier(found.options.getStreamIdentifier()))
    })
  const events = request.getProposedMessagesList().map(proposedEvent)
  if (events.includes(undefined)) return answer(badRequestResponse())
  found.events.push(...events.filter((event) => event !== undefined))
  if (sizeOf(found.events) > MOST_BYTES) {
    pending.delete(id)
    return answer(tooLargeResponse())
  }
  if (!request.getIsFinal()) return
  pending.delete(id)
  if (nameOf(found.options.getStreamIdentifier()) === '') return answer(badRequestResponse())
  finish(serving, call, found, answer)
}

/** Writes a whole append and answers, or goes wrong on the way. */
function finish(
  serving: Serving,
  call: BatchCall,
  { options, events }: Pending,
  answer: (response: BatchAppendResp) => void,
): void {
  const stream = nameOf(options.getStreamIdentifier())
  const forbidden = callerRefusal(serving, call, { stream, right: 'write' })
  if (forbidden?.code === status.PERMISSION_DENIED) return answer(deniedResponse())
  if (forbidden) return fail(call, forbidden)
  const fault = serving.faults.take('append')
  if (fault?.kind === 'silent') return
  if (fault?.kind === 'cut') return serving.cut()
  if (fault?.kind === 'denied') return answer(deniedResponse())
  if (fault?.kind === 'timeout') return answer(timeoutResponse())
  if (fault !== undefined && isRefusal(fault)) return answer(refusalResponse(fault.kind, stream))
  const refuse = (error: ServiceError): void => {
    // Only where the leader is, is an error of the call.
    if (error.metadata.get('leader-endpoint-host').length > 0) fail(call, error)
    else answer(notReadyResponse(error.details))
  }
  const refused = faultError(serving, fault)
  if (refused) return refuse(refused)
  const writer = writerFor(serving, wantsLeader(call))
  if (isError(writer)) return refuse(writer)
  const expected = expectationOf(options, options.getStreamPosition())
  const say = (said: Answer): void => {
    const response = batchResponse(said, stream, options)
    if (fault?.kind === 'lost') return
    if (fault?.kind === 'cutAfter') return serving.cut()
    if (fault?.kind === 'timeoutAfter') return answer(timeoutResponse())
    if (fault?.kind === 'halfClose') return void call.end()
    if (fault?.kind === 'late') return void setTimeout(() => answer(response), fault.ms)
    answer(response)
  }
  writer.whenAwake(() => {
    if (writer.role !== 'leader') return refuse(notReady())
    serving.cluster.append(writer, { stream, events, expected }, say)
  })
}

/** `Append` (Streams.Append.cs): one append by a call of its own, an event in each message; of Ledgate nothing calls it. */
export function serveAppend(serving: Serving) {
  return (call: ServerReadableStream<AppendReq, AppendResp>, callback: sendUnaryData<AppendResp>): void => {
    let options: AppendReq.Options | undefined
    const events: (ProposedEvent | undefined)[] = []
    call.on('error', () => undefined)
    call.on('data', (request: AppendReq) => {
      options ??= request.getOptions()
      const message = request.getProposedMessage()
      if (message) events.push(proposedEvent(message))
    })
    call.on('end', () => serving.member.whenAwake(() => appendOne(serving, call, { options, events }, callback)))
  }
}

function appendOne(
  serving: Serving,
  call: ServerReadableStream<AppendReq, AppendResp>,
  { options, events }: { options: AppendReq.Options | undefined; events: readonly (ProposedEvent | undefined)[] },
  callback: sendUnaryData<AppendResp>,
): void {
  const stream = nameOf(options?.getStreamIdentifier())
  const proposed = events.filter((event) => event !== undefined)
  if (options === undefined || stream === '' || proposed.length < events.length) return callback(broken())
  if (sizeOf(proposed) > MOST_BYTES)
    return callback(
      rpcError(status.INVALID_ARGUMENT, `Maximum Append Size of ${MOST_BYTES} Exceeded.`, {
        exception: 'maximum-append-size-exceeded',
        'maximum-append-size': String(MOST_BYTES),
      }),
    )
  const forbidden = callerRefusal(serving, call, { stream, right: 'write' })
  if (forbidden) return callback(forbidden)
  const writer = writerFor(serving, wantsLeader(call))
  if (isError(writer)) return callback(writer)
  const expected = expectationOf(options, options.getRevision())
  const say = (said: Answer): void =>
    serving.member.whenAwake(() => {
      if (said.kind === 'timeout') callback(rpcError(status.ABORTED, 'Operation timed out'))
      else if (said.kind === 'streamDeleted') callback(streamDeleted(stream))
      else callback(null, appendResponse(said))
    })
  writer.whenAwake(() => {
    if (writer.role !== 'leader') return callback(notReady())
    serving.cluster.append(writer, { stream, events: proposed, expected }, say)
  })
}
