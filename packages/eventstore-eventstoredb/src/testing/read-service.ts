import { type ReadReq, type ReadResp } from '@eventstore/db-client/generated/streams_pb.js'
import { type ServerWritableStream, status } from '@grpc/grpc-js'
import { setTimeout as pause } from 'node:timers/promises'
import { eventBytes } from './event-bytes.ts'
import type { Fault, Method } from './faults.ts'
import { FIRST, indexAt, type LogPosition, compare, positionOf } from './log-position.ts'
import { isInvalid } from './page.ts'
import { filterOf, notFoundResponse, startOf } from './read-messages.ts'
import { callerRefusal, faultError, readRefusal, type Serving, wantsLeader } from './serving.ts'
import type { StoredEvent } from './stored-event.ts'
import { subscribe } from './subscription-service.ts'
import { readersSee } from './transaction-log.ts'
import { broken, fail, nameOf, rpcError, streamDeleted, unexpected } from './wire.ts'

/** What a read brings; an event is in its bytes already. */
export type ReadMessage = ReadResp | Buffer

type Call = ServerWritableStream<ReadReq, ReadMessage>

/** Why: said once, since to make an error for each call costs more than the call. */
const LEFT = 'the call is over'

/** Aborted when the call is over: its reader left, or the node goes. */
function overOf(call: Call, node: AbortSignal): AbortSignal {
  const left = new AbortController()
  for (const event of ['cancelled', 'close', 'error']) call.once(event, () => left.abort(LEFT))
  return AbortSignal.any([left.signal, node])
}

/** Resolves when `wake` is called or the signal is aborted; `listen` says what it listens with, and how that ends. */
export function waitFor(signal: AbortSignal, listen: (wake: () => void) => () => void): Promise<void> {
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

/** `false` when the call is over; `slowly` when the reader took its time to make room. */
export type Write = (response: ReadMessage) => Promise<'quickly' | 'slowly' | false>

/** Writes as fast as the reader reads, and not at all while the node lies still. */
function writer({ member }: Serving, call: Call, over: AbortSignal, fault: Fault | undefined): Write {
  const drained = () =>
    waitFor(over, (wake) => {
      call.once('drain', wake)
      return () => call.off('drain', wake)
    })
  return async (response) => {
    if (fault?.kind === 'slow') await pause(fault.ms)
    if (member.isPaused) await new Promise<void>((resolve) => member.whenAwake(resolve))
    const times = fault?.kind === 'doubled' && Buffer.isBuffer(response) ? 2 : 1
    let isSlow = false
    for (let count = 0; count < times && !over.aborted; count += 1)
      if (!call.write(response)) {
        await drained()
        isSlow = true
      }
    return over.aborted ? false : isSlow ? 'slowly' : 'quickly'
  }
}

/** `Read` (Streams.Read.cs): of a stream, of the whole log, or a subscription to it. */
export function serveRead(serving: Serving) {
  return (call: Call): void => {
    call.on('error', () => undefined)
    serving.member.whenAwake(() => answer(serving, call))
  }
}

function answer(serving: Serving, call: Call): void {
  const options = call.request.getOptions()
  if (options === undefined) return fail(call, rpcError(status.INVALID_ARGUMENT, 'no options'))
  const method: Method = options.hasSubscription() ? 'subscribe' : 'read'
  const stream = options.hasStream() ? nameOf(options.getStream()?.getStreamIdentifier()) : '$all'
  const forbidden = callerRefusal(serving, call, { stream, right: 'read' })
  if (forbidden) return fail(call, forbidden)
  const fault = serving.faults.take(method)
  if (fault?.kind === 'silent') return
  if (fault?.kind === 'cut') return serving.cut()
  if (fault?.kind === 'halfClose') return void call.end()
  const requiresLeader = wantsLeader(call)
  const over = overOf(call, serving.signal)
  const write = writer(serving, call, over, fault)
  const refused = faultError(serving, fault) ?? (method === 'read' ? readRefusal(serving, requiresLeader) : undefined)
  if (refused) return fail(call, refused)
  const running = options.hasSubscription()
    ? subscribe({ serving, requiresLeader, over, options, write, isLost: fault?.kind === 'lost' })
    : give(serving, options, { write, most: fault?.kind === 'short' ? fault.events : Infinity })
  running.then(
    (isWhole) => void (isWhole && call.end()),
    (error: unknown) => fail(call, error instanceof Error ? error : new Error(String(error))),
  )
}

interface Giving {
  readonly write: Write
  /** After so many events the call ends. */
  readonly most: number
}

/** @returns whether the call is to be ended. @throws {ServiceError} */
async function give(serving: Serving, options: ReadReq.Options, { write, most }: Giving): Promise<boolean> {
  const found = options.hasStream() ? ofStream(serving, options) : ofAll(serving, options)
  if (found === 'hang') return false
  if (found === 'notFound') {
    await write(notFoundResponse(nameOf(options.getStream()?.getStreamIdentifier())))
    return true
  }
  let given = 0
  for (const event of found) {
    if (given === most) break
    if (!(await write(eventBytes(event)))) return false
    given += 1
  }
  return true
}

const isBackwards = (options: ReadReq.Options): boolean => options.getReadDirection() === 1

/** Events of a stream (IndexReader.cs). @throws {ServiceError} */
function ofStream({ member }: Serving, options: ReadReq.Options): Iterable<StoredEvent> | 'notFound' {
  const from = options.getStream()
  const name = nameOf(from?.getStreamIdentifier())
  if (name === '') throw broken()
  const count = Number(options.getCount())
  if (count === 0 || (from?.hasEnd() && !isBackwards(options))) throw unexpected('ReadStreamResult', 'Error')
  const seen = readersSee(member.log, name, member.committed, member.gone)
  if (seen === undefined) return 'notFound'
  if (seen === 'tombstone') throw streamDeleted(name)
  const revision = from?.hasStart() ? 0 : from?.hasEnd() ? Infinity : Number(from?.getRevision())
  if (!isBackwards(options)) return seen.filter((event) => event.revision >= revision).slice(0, count)
  const last = revision === Infinity ? seen.length : seen.findLastIndex((event) => event.revision <= revision) + 1
  return seen.slice(Math.max(0, last - count), last).toReversed()
}

/** What a read of the whole log that fails is called. */
const resultName = (options: ReadReq.Options): string =>
  options.hasFilter() ? 'FilteredReadAllResult' : 'ReadAllResult'

/** Forwards from a position on, backwards from what stands before it (AllReader.cs). @throws {ServiceError} */
function ofAll({ member }: Serving, options: ReadReq.Options): Iterable<StoredEvent> | 'hang' {
  const count = Number(options.getCount())
  if (count === 0 && options.hasFilter()) return 'hang'
  if (count === 0) throw unexpected(resultName(options), 'Error')
  const start = startOf(options)
  const end = positionOf(member.log.records.length)
  const from = start === 'start' ? FIRST : start === 'end' ? end : start
  if (isInvalid(member, from)) throw unexpected(resultName(options), 'InvalidPosition')
  if (isBackwards(options) && compare(from, end) > 0) throw unexpected(resultName(options), 'Error')
  return walk(member, from, options, count)
}

function* walk(
  { log, committed, gone }: Serving['member'],
  from: LogPosition,
  options: ReadReq.Options,
  count: number,
): Iterable<StoredEvent> {
  const filter = filterOf(options)
  const step = isBackwards(options) ? -1 : 1
  const isFrom = (index: number): boolean => {
    const order = compare(positionOf(index), from)
    return step > 0 ? order >= 0 : order < 0
  }
  let index = Math.min(indexAt(from), step > 0 ? Infinity : committed - 1)
  for (let left = count; left > 0 && index >= 0 && index < committed; index += step) {
    const event = log.records[index]?.event
    if (event === undefined || gone.has(event) || !isFrom(index) || filter?.passes(event) === false) continue
    left -= 1
    yield event
  }
}
