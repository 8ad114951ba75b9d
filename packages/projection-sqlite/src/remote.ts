import type { Worker } from 'node:worker_threads'
import type { ProjectionHealth, Projector } from '@ledgate/eventsourcing'
import { messageOf } from './failure.ts'
import type { Calls, Message, Method } from './remote-protocol.ts'

export interface RemoteOptions {
  /** Starts the thread, which has to call `serveProjector`. Called again when the thread died. */
  start(): Worker
  /** Told when the thread died; it is started again. */
  onDeath?(error: Error): void
  /** Told once whenever a projection has stopped, or begins to fail. */
  onTrouble?(health: ProjectionHealth): void
  /** Told what the thread threw away, and why; it is built anew. */
  onDiscarded?(why: string): void
  /** Told of each try of the thread's subscription that failed, and that it says something again. */
  onUnheard?(why: string): void
  onHeard?(): void
  /** Called when the thread is there again; the file may be a new one. */
  onRestart?(): void
}

/** A projector of another thread. */
export interface RemoteProjector extends Projector {
  /** Says that a reader found the file damaged: the thread throws it away and begins with a new one. */
  discard(error: unknown): void
}

const FIRST_PAUSE_MS = 250
const LONGEST_PAUSE_MS = 10_000

const isTrouble = ({ state }: ProjectionHealth): boolean => state === 'stopped' || state === 'failing'

interface Pending {
  resolve(value: ReturnType<Calls[Method]>): void
  reject(error: Error): void
}

/**
 * A projector in a thread of its own. While the thread is dead nothing is waited for, and what is asked fails.
 *
 * @throws {Error} when the thread cannot start the first time.
 */
export async function connectProjector({
  start,
  onDeath,
  onTrouble,
  onDiscarded,
  onUnheard,
  onHeard,
  onRestart,
}: RemoteOptions): Promise<RemoteProjector> {
  const pending = new Map<number, Pending>()
  let health: readonly ProjectionHealth[] = []
  let worker: Worker | undefined
  let isClosing = false
  let lastId = 0
  let pauseMs = FIRST_PAUSE_MS

  function learn(now: readonly ProjectionHealth[]): void {
    const before = new Map(health.map(({ name, state }) => [name, state]))
    health = now
    for (const each of now) if (isTrouble(each) && before.get(each.name) !== each.state) onTrouble?.(each)
  }

  function hear(message: Message): void {
    if (message.kind === 'discarded') return onDiscarded?.(message.why)
    if (message.kind === 'unheard') return onUnheard?.(message.why)
    if (message.kind === 'heard') return onHeard?.()
    if (message.kind === 'ready' || message.kind === 'health') return learn(message.health)
    const call = pending.get(message.id)
    pending.delete(message.id)
    if (message.kind === 'answer') call?.resolve(message.value)
    else call?.reject(new Error(message.message))
  }

  function bury(error: Error): void {
    worker = undefined
    for (const { reject } of pending.values()) reject(error)
    pending.clear()
    health = health.map((each) => ({ ...each, state: 'failing', failure: error.message }))
    if (isClosing) return
    onDeath?.(error)
    setTimeout(() => void raise().then(onRestart, bury), pauseMs).unref()
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }

  /** Resolves when the thread is ready; from then on its death is noticed. */
  function raise(): Promise<void> {
    if (isClosing) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const thread = start()
      let failure = new Error('the thread of the projector ended')
      let isReady = false
      thread.on('message', (message: Message) => {
        hear(message)
        if (message.kind !== 'ready') return
        isReady = true
        pauseMs = FIRST_PAUSE_MS
        worker = thread
        resolve()
      })
      thread.on('error', (error) => {
        failure = new Error(`the thread of the projector died: ${messageOf(error)}`, { cause: error })
      })
      thread.on('exit', () => (isReady ? bury(failure) : reject(failure)))
    })
  }

  function ask<Name extends Method>(
    method: Name,
    ...values: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>> {
    const thread = worker
    if (thread === undefined) return Promise.reject(new Error('the projector is not running'))
    const id = (lastId += 1)
    return new Promise((resolve, reject) => {
      pending.set(id, { resolve: (value) => resolve(value as ReturnType<Calls[Name]>), reject })
      thread.postMessage({ id, method, values })
    })
  }

  await raise()
  return {
    waitFor: (position, options) => ask('waitFor', position, options).catch(() => false),
    health: () => health,
    digest: (name) => ask('digest', name),
    rebuild: (name) => ask('rebuild', name),
    checkpoints: {
      load: (name) => ask('load', name),
      save: (name, place) => ask('save', name, place),
    },
    discard: (error) => void ask('discard', messageOf(error)).catch(() => undefined),
    async close() {
      if (isClosing) return
      isClosing = true
      const thread = worker
      if (thread === undefined) return
      const ended = new Promise((resolve) => thread.once('exit', resolve))
      await ask('close').catch(() => undefined)
      await ended
    },
  }
}
