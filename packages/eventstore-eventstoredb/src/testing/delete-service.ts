import streamsMessages, { type DeleteReq, type TombstoneReq } from '@eventstore/db-client/generated/streams_pb.js'
import { type sendUnaryData, type ServerUnaryCall, type ServiceError, status } from '@grpc/grpc-js'
import { expectationOf } from './append-messages.ts'
import type { Answer } from './pending-answers.ts'
import { positionOf } from './log-position.ts'
import { callerRefusal, faultError, isError, notReady, type Serving, wantsLeader, writerFor } from './serving.ts'
import type { Deletion } from './writing.ts'
import { nameOf, rpcError, streamDeleted } from './wire.ts'

const { DeleteResp, TombstoneResp } = streamsMessages

type Said = { readonly error: ServiceError } | { readonly index: number }

/** `Delete` (Streams.Delete.cs): a soft delete. */
export function serveDelete(serving: Serving) {
  type Response = InstanceType<typeof DeleteResp>
  return (call: ServerUnaryCall<DeleteReq, Response>, callback: sendUnaryData<Response>): void => {
    const options = call.request.getOptions()
    remove(serving, call, options && deletionOf(options, false), (said) => {
      if ('error' in said) return callback(said.error)
      callback(null, new DeleteResp().setPosition(placed(new DeleteResp.Position(), said.index)))
    })
  }
}

/** `Tombstone` (Streams.Delete.cs): no event can be written to the stream ever after. */
export function serveTombstone(serving: Serving) {
  type Response = InstanceType<typeof TombstoneResp>
  return (call: ServerUnaryCall<TombstoneReq, Response>, callback: sendUnaryData<Response>): void => {
    const options = call.request.getOptions()
    remove(serving, call, options && deletionOf(options, true), (said) => {
      if ('error' in said) return callback(said.error)
      callback(null, new TombstoneResp().setPosition(placed(new TombstoneResp.Position(), said.index)))
    })
  }
}

interface Place<Itself> {
  setCommitPosition(offset: string): Itself
  setPreparePosition(offset: string): Itself
}
function placed<Position extends Place<Position>>(position: Position, index: number): Position {
  const offset = String(positionOf(index).commit)
  return position.setCommitPosition(offset).setPreparePosition(offset)
}

const deletionOf = (options: DeleteReq.Options | TombstoneReq.Options, isHard: boolean): Deletion => ({
  stream: nameOf(options.getStreamIdentifier()),
  expected: expectationOf(options, options.getRevision()),
  isHard,
})

function remove(
  serving: Serving,
  call: { readonly metadata: { get(name: string): readonly (string | Buffer)[] } },
  deletion: Deletion | undefined,
  answer: (said: Said) => void,
): void {
  if (deletion === undefined) return answer({ error: rpcError(status.INVALID_ARGUMENT, 'no options') })
  const forbidden = callerRefusal(serving, call, { stream: deletion.stream, right: 'write' })
  if (forbidden) return answer({ error: forbidden })
  const fault = serving.faults.take('delete')
  if (fault?.kind === 'silent') return
  if (fault?.kind === 'cut') return serving.cut()
  serving.member.whenAwake(() => {
    const refused = faultError(serving, fault)
    if (refused) return answer({ error: refused })
    const writer = writerFor(serving, wantsLeader(call))
    if (isError(writer)) return answer({ error: writer })
    const say = (said: Answer): void => {
      if (fault?.kind === 'lost') return
      serving.member.whenAwake(() => answer(outcome(said, deletion)))
    }
    writer.whenAwake(() => {
      if (writer.role !== 'leader') return answer({ error: notReady() })
      serving.cluster.remove(writer, deletion, say)
    })
  })
}

function outcome(said: Answer, { stream, expected }: Deletion): Said {
  if (said.kind === 'success') return { index: said.index ?? 0 }
  if (said.kind === 'streamDeleted') return { error: streamDeleted(stream) }
  if (said.kind === 'timeout') return { error: rpcError(status.ABORTED, 'Operation timed out') }
  const { current } = said
  const text = `Delete failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${current}`
  return {
    error: rpcError(status.FAILED_PRECONDITION, text, {
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': String(expected),
      'actual-version': String(current),
    }),
  }
}
