import type { Worker } from 'node:worker_threads'
import type {
  Checkpoints,
  Position,
  ProjectionDigest,
  ProjectionHealth,
  Projector,
  WaitOptions,
} from '@ledgate/eventsourcing'
import { messageOf } from './failure.ts'
import type { Calls, Message, Method } from './remote-protocol.ts'

export interface RemoteOptions {
  /** Starts the thread, which must call `serveProjector`. Called again after the thread died. */
  start(): Worker
  /** Called when the thread died; it is restarted. */
  onDeath?(error: Error): void
  /** Called once each time a projection stops or starts to fail. */
  onTrouble?(health: ProjectionHealth): void
  /** Called when the thread discards something that it will rebuild; `why` says what and why. */
  onDiscarded?(why: string): void
  /** Called for each attempt of the thread's subscription that failed. */
  onUnheard?(why: string): void
  /** Called when the subscription delivers again. */
  onHeard?(): void
  /** Called when the thread runs again; the file may be a new one. */
  onRestart?(): void
}

/** A projector in another thread. */
export interface RemoteProjector extends Projector {
  /** Reports that a reader found the file damaged: the thread discards it and starts with a new one. */
  discard(error: unknown): void
}

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000

const isTrouble = ({ state }: ProjectionHealth): boolean => state === 'stopped' || state === 'failing'

interface PendingCall {
  resolve(value: ReturnType<Calls[Method]>): void
  reject(error: Error): void
}

/**
 * Starts a projector in a thread of its own. While the thread is dead, calls fail at once.
 *
 * @throws {Error} when the thread cannot start the first time.
 */
export async function connectProjector(options: RemoteOptions): Promise<RemoteProjector> {
  const projector = new ThreadProjector(options)
  await projector.start()
  return projector
}

class ThreadProjector implements RemoteProjector {
  readonly checkpoints: Checkpoints = {
    load: (name) => this.#call('load', name),
    save: (name, position) => this.#call('save', name, position),
  }
  readonly #options: RemoteOptions
  readonly #pending = new Map<number, PendingCall>()
  #health: readonly ProjectionHealth[] = []
  /** `undefined` while the thread is dead or not ready. */
  #thread: Worker | undefined
  #isClosing = false
  #lastId = 0
  #pauseMs = FIRST_PAUSE_MS

  constructor(options: RemoteOptions) {
    this.#options = options
  }

  /** Resolves when the thread is ready; from then on it is restarted when it dies. */
  start(): Promise<void> {
    if (this.#isClosing) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const thread = this.#options.start()
      let failure = new Error('the thread of the projector ended')
      let isReady = false
      thread.on('message', (message: Message) => {
        this.#receive(message)
        if (message.kind !== 'ready') return
        isReady = true
        this.#pauseMs = FIRST_PAUSE_MS
        this.#thread = thread
        resolve()
      })
      thread.on('error', (error) => {
        failure = new Error(`the thread of the projector died: ${messageOf(error)}`, { cause: error })
      })
      thread.on('exit', () => (isReady ? this.#died(failure) : reject(failure)))
    })
  }

  waitFor(position: Position, options: WaitOptions): Promise<boolean> {
    return this.#call('waitFor', position, options).catch(() => false)
  }

  health(): readonly ProjectionHealth[] {
    return this.#health
  }

  digest(name: string): Promise<ProjectionDigest> {
    return this.#call('digest', name)
  }

  rebuild(name: string): Promise<void> {
    return this.#call('rebuild', name)
  }

  discard(error: unknown): void {
    void this.#call('discard', messageOf(error)).catch(() => undefined)
  }

  async close(): Promise<void> {
    if (this.#isClosing) return
    this.#isClosing = true
    const thread = this.#thread
    if (thread === undefined) return
    const ended = new Promise((resolve) => thread.once('exit', resolve))
    await this.#call('close').catch(() => undefined)
    await ended
  }

  #call<Name extends Method>(method: Name, ...values: Parameters<Calls[Name]>): Promise<ReturnType<Calls[Name]>> {
    const thread = this.#thread
    if (thread === undefined) return Promise.reject(new Error('the projector is not running'))
    const id = (this.#lastId += 1)
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve: (value) => resolve(value as ReturnType<Calls[Name]>), reject })
      thread.postMessage({ id, method, values })
    })
  }

  #receive(message: Message): void {
    switch (message.kind) {
      case 'discarded':
        return this.#options.onDiscarded?.(message.why)
      case 'unheard':
        return this.#options.onUnheard?.(message.why)
      case 'heard':
        return this.#options.onHeard?.()
      case 'ready':
      case 'health':
        return this.#updateHealth(message.health)
      case 'answer':
        return this.#take(message.id)?.resolve(message.value)
      case 'error':
        return this.#take(message.id)?.reject(new Error(message.message))
    }
  }

  #take(id: number): PendingCall | undefined {
    const call = this.#pending.get(id)
    this.#pending.delete(id)
    return call
  }

  #updateHealth(health: readonly ProjectionHealth[]): void {
    const before = new Map(this.#health.map(({ name, state }) => [name, state]))
    this.#health = health
    for (const each of health)
      if (isTrouble(each) && before.get(each.name) !== each.state) this.#options.onTrouble?.(each)
  }

  #died(error: Error): void {
    this.#thread = undefined
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
    this.#health = this.#health.map((each) => ({ ...each, state: 'failing', failure: error.message }))
    if (this.#isClosing) return
    this.#options.onDeath?.(error)
    setTimeout(() => void this.#restart(), this.#pauseMs).unref()
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS)
  }

  #restart(): Promise<void> {
    return this.start().then(
      () => this.#options.onRestart?.(),
      (error: Error) => this.#died(error),
    )
  }
}
