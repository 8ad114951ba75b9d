import { Worker } from 'node:worker_threads'
import { Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import { Fifo } from './fifo.ts'
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

/** The queue to the writer's thread: the appends that arrive during a commit form the next transaction. */
export interface CommitQueue {
  /**
   * Resolves when the writer has accepted or refused the append; an accepted one is durable then.
   *
   * @throws {Unavailable} when the queue is full, or the store failed or is closed.
   * @throws {UnknownOutcome} when the writer or the disk failed during the commit.
   */
  append(request: AppendRequest): Promise<AppendOutcome>
  health(): Health
  counters(): Counters
  /** Completes all queued appends, then stops the writer. */
  close(): Promise<void>
}

export interface CommitQueueOptions {
  readonly file: string
  readonly maxQueued: number
  /** Called for each append the log holds, in commit order, before its answer. */
  readonly written: (request: AppendRequest, outcome: AppendOutcome) => void
  /** Called after each batch that wrote something. */
  readonly committed: () => void
}

interface QueuedAppend {
  readonly request: AppendRequest
  readonly bytes: number
  readonly resolve: (outcome: AppendOutcome) => void
  readonly reject: (error: Error) => void
}

/** Enough for the garbage of a batch; V8's default takes five times as much memory without being faster. */
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
  return new WriterQueue(worker, options)
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

class WriterQueue implements CommitQueue {
  readonly #worker: Worker
  readonly #options: CommitQueueOptions
  readonly #queue = new Fifo<QueuedAppend>()
  readonly #counters = { appends: 0, events: 0, batches: 0, lastCommitMs: 0 }
  readonly #drained = Promise.withResolvers<void>()
  readonly #exited = Promise.withResolvers<void>()
  #inFlight: readonly QueuedAppend[] = []
  #isFlushScheduled = false
  #failure: string | undefined
  #closing: Promise<void> | undefined

  constructor(worker: Worker, options: CommitQueueOptions) {
    this.#worker = worker
    this.#options = options
    worker.on('message', (message: FromWriter) => this.#receive(message))
    worker.on('error', (error) => this.#died(error instanceof Error ? error.message : String(error)))
    worker.on('exit', (code) => {
      this.#died(this.#closing === undefined ? `the writer's thread exited with code ${code}` : 'closed')
      this.#exited.resolve()
    })
  }

  append(request: AppendRequest): Promise<AppendOutcome> {
    if (this.#closing !== undefined) return Promise.reject(new Unavailable('the event store is closed'))
    if (this.#failure !== undefined) return Promise.reject(unavailable(this.#failure))
    const { maxQueued } = this.#options
    if (this.#queue.size >= maxQueued)
      return Promise.reject(new Unavailable(`the queue of the event store is full: ${maxQueued} appends`))
    if (!this.#isFlushScheduled && this.#inFlight.length === 0) {
      this.#isFlushScheduled = true
      setImmediate(() => this.#flush())
    }
    return new Promise((resolve, reject) => {
      this.#queue.push({ request, bytes: bytesOf(request), resolve, reject })
    })
  }

  health(): Health {
    return this.#failure === undefined ? { ok: true } : { ok: false, reason: this.#failure }
  }

  counters(): Counters {
    return { ...this.#counters, queued: this.#queue.size + this.#inFlight.length }
  }

  close(): Promise<void> {
    return (this.#closing ??= this.#end())
  }

  async #end(): Promise<void> {
    if (!this.#isIdle()) await this.#drained.promise
    this.#post({ kind: 'close' })
    await this.#exited.promise
  }

  #isIdle(): boolean {
    return this.#inFlight.length === 0 && this.#queue.size === 0
  }

  #post(message: ToWriter): void {
    this.#worker.postMessage(message)
  }

  #flush(): void {
    this.#isFlushScheduled = false
    if (this.#inFlight.length > 0 || this.#queue.size === 0 || this.#failure !== undefined) return
    this.#inFlight = takeBatch(this.#queue)
    const cells: Cell[] = []
    for (const { request } of this.#inFlight) putRequest(cells, request)
    this.#post({ kind: 'batch', cells })
  }

  #receive(message: FromWriter): void {
    switch (message.kind) {
      case 'committed':
        return this.#resolveBatch(message)
      case 'busy':
        return this.#rejectBatch(() => new Unavailable(`the event store is busy: ${message.reason}`))
      case 'failed':
        this.#failure ??= message.reason
        this.#rejectBatch(() =>
          message.outcome === 'unknown'
            ? new UnknownOutcome(`the event store failed during a commit: ${message.reason}`)
            : unavailable(message.reason),
        )
        return this.#fail(message.reason)
      case 'broken':
        return this.#fail(message.reason)
      case 'ready':
      case 'refused':
      case 'closed':
        return
    }
  }

  #resolveBatch({ numbers, commitMs }: Extract<FromWriter, { kind: 'committed' }>): void {
    this.#counters.batches += 1
    this.#counters.lastCommitMs = commitMs
    let isWritten = false
    this.#settleBatch(({ request, resolve }, index) => {
      const outcome = outcomeAt(numbers, index)
      if (outcome.kind === 'written') {
        isWritten = true
        this.#counters.appends += 1
        this.#counters.events += request.events.length
        this.#options.written(request, outcome)
      }
      resolve(outcome)
    })
    if (isWritten) this.#options.committed()
  }

  #rejectBatch(error: () => Error): void {
    this.#settleBatch(({ reject }) => reject(error()))
  }

  /** Sends the next batch before it settles the appends of this one. */
  #settleBatch(settle: (append: QueuedAppend, index: number) => void): void {
    const batch = this.#inFlight
    this.#inFlight = []
    this.#flush()
    batch.forEach(settle)
    if (this.#isIdle()) this.#reportDrained()
  }

  #reportDrained(): void {
    if (this.#closing !== undefined) this.#drained.resolve()
  }

  #fail(reason: string): void {
    this.#failure ??= reason
    for (let append = this.#queue.shift(); append; append = this.#queue.shift())
      append.reject(unavailable(this.#failure))
    if (this.#inFlight.length === 0) this.#reportDrained()
  }

  #died(reason: string): void {
    this.#failure ??= reason
    this.#rejectBatch(() => new UnknownOutcome(`the event store's writer exited during a commit: ${reason}`))
    this.#fail(reason)
  }
}

const unavailable = (reason: string): Unavailable =>
  new Unavailable(`the event store takes no further appends: ${reason}`)

const bytesOf = ({ events }: AppendRequest): number =>
  events.reduce((sum, { data, metadata }) => sum + data.length + metadata.length, 0)

function takeBatch(queue: Fifo<QueuedAppend>): readonly QueuedAppend[] {
  const batch: QueuedAppend[] = []
  for (let bytes = 0; batch.length < MAX_BATCH_APPENDS && bytes < MAX_BATCH_BYTES;) {
    const append = queue.shift()
    if (append === undefined) break
    bytes += append.bytes
    batch.push(append)
  }
  return batch
}
