import { setTimeout as pause } from 'node:timers/promises'
import sharedMessages from '@eventstore/db-client/generated/shared_pb.js'
import streamsMessages, {
  type BatchAppendReq,
  type BatchAppendResp,
  type DeleteReq,
  type DeleteResp,
  type ReadReq,
  type ReadResp,
} from '@eventstore/db-client/generated/streams_pb.js'
import {
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  status,
} from '@grpc/grpc-js'
import type { Fault, FaultSource, Method } from './faults.ts'
import {
  appendResponse,
  caughtUpResponse,
  checkpointResponse,
  confirmationResponse,
  deniedResponse,
  eventResponse,
  expectationOf,
  filterOf,
  nameOf,
  notFoundResponse,
  notHandledResponse,
  proposedEvent,
  rpcError,
  timeoutResponse,
} from './messages.ts'
import { indexAt, type ProposedEvent, type ProtocolLog, type StoredEvent } from './protocol-log.ts'

const { Empty, UUID } = sharedMessages

export interface Serving {
  readonly log: ProtocolLog
  readonly faults: FaultSource
  /** What this node's scavenges removed. */
  readonly gone: ReadonlySet<StoredEvent>
  isLeader(): boolean
  leader(): { readonly host: string; readonly port: number } | undefined
  /** Breaks every connection to this node. */
  cut(): void
  /** Ends when the node does. */
  readonly signal: AbortSignal
}

/** Why a node does not do it: somebody else leads, or nobody (RpcExceptions.cs, TryHandleNotHandled). */
function refusal(serving: Serving, fault: Fault | undefined, requiresLeader: boolean) {
  if (fault?.kind === 'notReady') return rpcError(status.UNAVAILABLE, 'Server Is Not Ready')
  if (fault?.kind === 'denied')
    return rpcError(status.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' })
  if (fault?.kind === 'timeout') return rpcError(status.ABORTED, 'Operation timed out: prepare')
  const isRefused = fault?.kind === 'notLeader' || fault?.kind === 'noLeader' || (requiresLeader && !serving.isLeader())
  if (!isRefused) return undefined
  const leader = fault?.kind === 'noLeader' ? undefined : serving.leader()
  if (leader === undefined) return rpcError(status.UNKNOWN, 'No leader info available in response')
  return rpcError(status.NOT_FOUND, 'Leader info available', {
    exception: 'not-leader',
    'leader-endpoint-host': leader.host,
    'leader-endpoint-port': String(leader.port),
  })
}

const wantsLeader = (call: { readonly metadata: { get(name: string): readonly (string | Buffer)[] } }) =>
  call.metadata.get('requires-leader')[0] === 'true'

interface Pending {
  readonly options: BatchAppendReq.Options
  readonly events: ProposedEvent[]
}

type AppendCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>

/**
 * `BatchAppend` (Streams.BatchAppend.cs): appends side by side, each in one message or more, known by their correlation
 * id and written when the last of their messages is there. Answers come when they come; a node that does not lead ends
 * the call, and so whatever else is under way on it.
 */
export function serveBatchAppend(serving: Serving) {
  return (call: AppendCall): void => {
    const pending = new Map<string, Pending>()
    call.on('error', () => undefined)
    // Whoever half-closes still gets the answers to what is under way; here nothing is under way for longer than a turn.
    call.on('end', () => call.end())
    call.on('data', (request: BatchAppendReq) => {
      const id = request.getCorrelationId()?.getString() ?? ''
      const options = request.getOptions()
      if (options) pending.set(id, { options, events: [] })
      const found = pending.get(id)
      if (found === undefined) return
      found.events.push(...request.getProposedMessagesList().map(proposedEvent))
      if (!request.getIsFinal()) return
      pending.delete(id)
      finishAppend(serving, call, id, found)
    })
  }
}

/** Writes a whole append and answers, or goes wrong on the way. */
function finishAppend(serving: Serving, call: AppendCall, id: string, { options, events }: Pending): void {
  const stream = nameOf(options.getStreamIdentifier())
  const answer = (response: BatchAppendResp): void =>
    void call.write(
      response.setCorrelationId(new UUID().setString(id)).setStreamIdentifier(options.getStreamIdentifier()),
    )
  const fault = serving.faults.take('append')
  if (fault?.kind === 'silent') return
  if (fault?.kind === 'cut') return serving.cut()
  if (fault?.kind === 'denied') return answer(deniedResponse())
  if (fault?.kind === 'timeout') return answer(timeoutResponse())
  const refused = refusal(serving, fault, wantsLeader(call))
  if (refused?.metadata.get('leader-endpoint-host').length) return void call.destroy(refused)
  if (refused) return answer(notHandledResponse(refused.details))
  const response = appendResponse(serving.log.append(stream, events, expectationOf(options)), options)
  if (fault?.kind === 'lost') return
  if (fault?.kind === 'cutAfter') return serving.cut()
  if (fault?.kind === 'timeoutAfter') return answer(timeoutResponse())
  if (fault?.kind === 'halfClose') return void call.end()
  if (fault?.kind === 'late') return void setTimeout(() => answer(response), fault.ms)
  answer(response)
}

/** `Delete` (Streams.Delete.cs): a soft delete. */
export function serveDelete(serving: Serving) {
  return (call: ServerUnaryCall<DeleteReq, DeleteResp>, callback: sendUnaryData<DeleteResp>): void => {
    const fault = serving.faults.take('delete')
    if (fault?.kind === 'silent') return
    if (fault?.kind === 'cut') return serving.cut()
    const refused = refusal(serving, fault, wantsLeader(call))
    if (refused) return callback(refused)
    serving.log.softDelete(nameOf(call.request.getOptions()?.getStreamIdentifier()))
    if (fault?.kind === 'lost') return
    callback(null, new streamsMessages.DeleteResp().setNoPosition(new Empty()))
  }
}

type Call = ServerWritableStream<ReadReq, ReadResp>

/** Why: said once, since to make an error for each call costs more than the call. */
const LEFT = 'the call is over'

/** Aborted when the call is over: its reader left, or the node goes. */
function overOf(call: Call, node: AbortSignal): AbortSignal {
  const left = new AbortController()
  for (const event of ['cancelled', 'close', 'error']) call.once(event, () => left.abort(LEFT))
  return AbortSignal.any([left.signal, node])
}

/** Resolves when `wake` is called or the signal is aborted; `listen` says what it listens with, and how that ends. */
function waitFor(signal: AbortSignal, listen: (wake: () => void) => () => void): Promise<void> {
  return new Promise((resolve) => {
    const up = (): void => {
      off()
      signal.removeEventListener('abort', up)
      resolve()
    }
    const off = listen(up)
    signal.addEventListener('abort', up)
    if (signal.aborted) up()
  })
}

type Write = (response: ReadResp) => Promise<boolean>

/** Writes as fast as the reader reads; `false` when the call is over. */
function writer(call: Call, over: AbortSignal, fault: Fault | undefined): Write {
  const drained = () =>
    waitFor(over, (wake) => {
      call.once('drain', wake)
      return () => call.off('drain', wake)
    })
  return async (response) => {
    if (fault?.kind === 'slow') await pause(fault.ms)
    const times = fault?.kind === 'doubled' && response.hasEvent() ? 2 : 1
    for (let count = 0; count < times && !over.aborted; count += 1) if (!call.write(response)) await drained()
    return !over.aborted
  }
}

/** `Read` (Streams.Read.cs): of a stream, of the whole log, or a subscription to it. */
export function serveRead(serving: Serving) {
  return (call: Call): void => {
    const options = call.request.getOptions()
    if (options === undefined) return void call.destroy(rpcError(status.INVALID_ARGUMENT, 'no options'))
    const method: Method = options.hasSubscription() ? 'subscribe' : 'read'
    const fault = serving.faults.take(method)
    call.on('error', () => undefined)
    if (fault?.kind === 'silent') return
    if (fault?.kind === 'cut') return serving.cut()
    if (fault?.kind === 'halfClose') return void call.end()
    const refused = refusal(serving, fault, wantsLeader(call))
    if (refused) return void call.destroy(refused)
    const over = overOf(call, serving.signal)
    const write = writer(call, over, fault)
    const running = options.hasSubscription()
      ? follow({ log: serving.log, gone: serving.gone, over, options, write, fault })
      : give(serving, options, write).then(() => void call.end())
    running.catch((error: unknown) => call.destroy(error instanceof Error ? error : new Error(String(error))))
  }
}

async function give(serving: Serving, options: ReadReq.Options, write: Write): Promise<void> {
  const ofStream = options.getStream()
  if (ofStream === undefined) return giveAll(serving, options, write)
  const name = nameOf(ofStream.getStreamIdentifier())
  const stored = serving.log.stream(name)
  if (stored === undefined) return void (await write(notFoundResponse(name)))
  const isBackwards = options.getReadDirection() === 1
  const from = ofStream.hasStart() ? 0 : ofStream.hasEnd() ? Infinity : Number(ofStream.getRevision())
  const wanted = isBackwards
    ? stored.filter(({ revision }) => revision <= from).toReversed()
    : stored.filter(({ revision }) => revision >= from)
  for (const event of wanted.slice(0, Number(options.getCount()))) if (!(await write(eventResponse(event)))) return
}

/** Forwards from an offset on, backwards from what ends before it (IndexReader.cs, AllReader.cs). */
async function giveAll({ log, gone }: Serving, options: ReadReq.Options, write: Write): Promise<void> {
  const all = options.getAll()
  const offset = Number(all?.getPosition()?.getCommitPosition() ?? 0)
  const isBackwards = options.getReadDirection() === 1
  const filter = filterOf(options)
  let index = isBackwards
    ? (all?.hasEnd() ? log.all.length : indexAt(offset)) - 1
    : all?.hasStart()
      ? 0
      : indexAt(offset)
  let left = Number(options.getCount())
  for (; left > 0 && index >= 0 && index < log.all.length; index += isBackwards ? -1 : 1) {
    const event = log.all[index]
    if (event === undefined || gone.has(event) || filter?.passes(event) === false) continue
    left -= 1
    if (!(await write(eventResponse(event)))) return
  }
}

interface Follow {
  readonly log: ProtocolLog
  readonly gone: ReadonlySet<StoredEvent>
  readonly over: AbortSignal
  readonly options: ReadReq.Options
  readonly write: Write
  readonly fault: Fault | undefined
}

/**
 * A subscription to the whole log (Enumerator.AllSubscriptionFiltered.cs): confirmed, then what is there after the
 * start, a checkpoint every so many events looked at and one at the end, `caughtUp`, then what is new.
 */
async function follow({ log, gone, over, options, write, fault }: Follow): Promise<void> {
  const filter = filterOf(options)
  const from = options.getAll()
  let index = from?.hasStart() ? 0 : indexAt(Number(from?.getPosition()?.getCommitPosition() ?? 0) + 1)
  let looked = 0
  let last: StoredEvent | undefined
  let isCaughtUp = false
  await write(confirmationResponse(crypto.randomUUID()))
  while (!over.aborted) {
    for (; index < log.all.length; index += 1) {
      const event = log.all[index]
      if (event === undefined || gone.has(event)) continue
      last = event
      if (filter === undefined || filter.passes(event)) {
        if (!(await write(eventResponse(event)))) return
      }
      looked += 1
      if (filter === undefined || looked < filter.interval) continue
      looked = 0
      if (!(await write(checkpointResponse(event.offset)))) return
    }
    if (!isCaughtUp) {
      if (filter && last && !(await write(checkpointResponse(last.offset)))) return
      if (!(await write(caughtUpResponse()))) return
      isCaughtUp = true
      // A subscription whose node lost its way: nothing comes any more, and nobody says so.
      if (fault?.kind === 'lost') return
    }
    if (log.all.length <= index) await waitFor(over, (wake) => log.onGrowth(wake, filter?.passes))
  }
}
