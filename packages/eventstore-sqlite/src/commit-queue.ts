import { Worker } from 'node:worker_threads'
import { Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import type { Counters, Health } from './health.ts'
import {
  outcomeAt,
  putRequest,
  type AppendOutcome,
  type AppendRequest,
  type Cell,
  type FromWriter,
  type ToWriter,
} from './messages.ts'

/** The way to the writer's thread: what queues while it commits is its next transaction. */
export interface CommitQueue {
  /**
   * Resolves when the writer has judged the append and, if it wrote it, when it is durable.
   *
   * @throws {Unavailable} when the queue is full, or the store failed or is closed.
   * @throws {UnknownOutcome} when the writer died, or the disk did, during the commit.
   */
  append(request: AppendRequest): Promise<AppendOutcome>
  health(): Health
  counters(): Counters
  /** Lets everything queued finish, then ends the writer. */
  close(): Promise<void>
}

/** What a queue needs to start. */
export interface CommitQueueOptions {
  readonly file: string
  readonly maxQueued: number
  /** Called for each append the log holds, in commit order, before its answer. */
  readonly written: (request: AppendRequest, outcome: AppendOutcome) => void
  /** Called after each batch that wrote something. */
  readonly committed: () => void
}

interface Waiting {
  readonly request: AppendRequest
  readonly bytes: number
  readonly resolve: (outcome: AppendOutcome) => void
  readonly reject: (error: Error) => void
}

/** For what a batch leaves behind it; V8 would take five times as much of the memory, for nothing. */
const YOUNG_MIB = 24

const MAX_BATCH_APPENDS = 256
const MAX_BATCH_BYTES = 4 * 1024 * 1024

/**
 * Starts the writer on a file.
 *
 * @throws {Unavailable} when the file cannot be written or is not an event store.
 */
export async function openCommitQueue(options: CommitQueueOptions): Promise<CommitQueue> {
  const worker = startWriter(options.file)
  await ready(worker, options.file)
  return commitQueue(worker, options)
}

/** The thread runs the same kind of file as this one: TypeScript from source, JavaScript when built. */
function startWriter(file: string): Worker {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  return new Worker(new URL(`./writer.${extension}`, import.meta.url), {
    execArgv: ['--conditions=@ledgate/source'],
    workerData: { file },
    name: 'event store writer',
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MIB },
  })
}

function ready(worker: Worker, file: string): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once('error', (error) => reject(new Unavailable(`${file} cannot be opened`, { cause: error })))
    worker.once('message', (message: FromWriter) => {
      if (message.kind === 'ready') resolve()
      else
        reject(
          new Unavailable(
            `${file} cannot be opened for writing: ${'reason' in message ? message.reason : message.kind}`,
          ),
        )
    })
  })
}

function commitQueue(worker: Worker, options: CommitQueueOptions): CommitQueue {
  const queue = fifo<Waiting>()
  const counters = { appends: 0, events: 0, batches: 0, lastCommitMs: 0 }
  let inFlight: readonly Waiting[] = []
  let flushing = false
  let failure: string | undefined
  let closing: Promise<void> | undefined
  let finished = (): void => undefined

  const post = (message: ToWriter): void => worker.postMessage(message)

  const flush = (): void => {
    flushing = false
    if (inFlight.length > 0 || queue.size() === 0 || failure !== undefined) return
    inFlight = nextBatch(queue)
    const cells: Cell[] = []
    for (const { request } of inFlight) putRequest(cells, request)
    post({ kind: 'batch', cells })
  }

  const fail = (reason: string): void => {
    failure ??= reason
    for (let waiting = queue.shift(); waiting; waiting = queue.shift()) waiting.reject(unavailable(failure))
    if (inFlight.length === 0) finished()
  }

  const settle = (give: (waiting: Waiting, index: number) => void): void => {
    const batch = inFlight
    inFlight = []
    if (closing === undefined || queue.size() > 0) flush()
    batch.forEach(give)
    if (inFlight.length === 0 && queue.size() === 0) finished()
  }

  const answerBatch = ({ numbers, commitMs }: Extract<FromWriter, { kind: 'committed' }>): void => {
    counters.batches += 1
    counters.lastCommitMs = commitMs
    let wrote = false
    settle(({ request, resolve }, index) => {
      const outcome = outcomeAt(numbers, index)
      if (outcome.kind === 'written') {
        wrote = true
        counters.appends += 1
        counters.events += request.events.length
        options.written(request, outcome)
      }
      resolve(outcome)
    })
    if (wrote) options.committed()
  }

  const rejectBatch = (error: () => Error): void => settle(({ reject }) => reject(error()))

  worker.on('message', (message: FromWriter) => {
    switch (message.kind) {
      case 'committed':
        return answerBatch(message)
      case 'busy':
        return rejectBatch(() => new Unavailable(`the event store is busy: ${message.reason}`))
      case 'failed':
        failure ??= message.reason
        rejectBatch(() =>
          message.outcome === 'unknown'
            ? new UnknownOutcome(`the event store failed during a commit: ${message.reason}`)
            : unavailable(message.reason),
        )
        return fail(message.reason)
      case 'broken':
        return fail(message.reason)
      case 'ready':
      case 'refused':
      case 'closed':
        return
    }
  })

  const died = (reason: string): void => {
    failure ??= reason
    rejectBatch(() => new UnknownOutcome(`the event store's writer ended during a commit: ${reason}`))
    fail(reason)
  }
  worker.on('error', (error) => died(error instanceof Error ? error.message : String(error)))
  const exited = new Promise<void>((resolve) => {
    worker.on('exit', (code) => {
      died(closing === undefined ? `the writer's thread ended with code ${code}` : 'closed')
      resolve()
    })
  })

  const end = async (): Promise<void> => {
    if (inFlight.length + queue.size() > 0) await new Promise<void>((resolve) => (finished = resolve))
    post({ kind: 'close' })
    await exited
  }

  return {
    append(request) {
      if (closing !== undefined) return Promise.reject(new Unavailable('the event store is closed'))
      if (failure !== undefined) return Promise.reject(unavailable(failure))
      if (queue.size() >= options.maxQueued)
        return Promise.reject(new Unavailable(`${options.maxQueued} appends wait for the disk already`))
      if (!flushing && inFlight.length === 0) {
        flushing = true
        setImmediate(flush)
      }
      return new Promise((resolve, reject) => {
        queue.push({ request, bytes: bytesOf(request), resolve, reject })
      })
    },
    health: () => (failure === undefined ? { ok: true } : { ok: false, reason: failure }),
    counters: () => ({ ...counters, queued: queue.size() + inFlight.length }),
    close: () => (closing ??= end()),
  }
}

const unavailable = (reason: string): Unavailable =>
  new Unavailable(`the event store takes nothing any more: ${reason}`)

const bytesOf = ({ events }: AppendRequest): number =>
  events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0)

function nextBatch(queue: Fifo<Waiting>): readonly Waiting[] {
  const batch: Waiting[] = []
  for (let bytes = 0; batch.length < MAX_BATCH_APPENDS && bytes < MAX_BATCH_BYTES;) {
    const waiting = queue.shift()
    if (waiting === undefined) break
    bytes += waiting.bytes
    batch.push(waiting)
  }
  return batch
}

interface Fifo<Item> {
  push(item: Item): void
  shift(): Item | undefined
  size(): number
}

/** An array would move all that wait for each one that leaves. */
function fifo<Item>(): Fifo<Item> {
  let incoming: Item[] = []
  let outgoing: Item[] = []
  return {
    push: (item) => void incoming.push(item),
    shift() {
      if (outgoing.length === 0) {
        outgoing = incoming.reverse()
        incoming = []
      }
      return outgoing.pop()
    },
    size: () => incoming.length + outgoing.length,
  }
}
