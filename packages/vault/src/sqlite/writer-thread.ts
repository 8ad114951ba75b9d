import { Worker } from 'node:worker_threads'
import type { Change, VaultAnswer, VaultRequest } from './protocol.ts'

interface Waiting {
  resolve(kept: Uint8Array | undefined): void
  reject(error: Error): void
}

/** The thread that writes the vault. */
export interface WriterThread {
  /** Resolves when it is on disk, with the stored value of the name. */
  change(change: Change): Promise<Uint8Array | undefined>
  /** Completes the queued changes, then stops. Idempotent. */
  close(): Promise<void>
}

/** The callers that wait for each change. */
function waitingRoom() {
  const waiting = new Map<number, Waiting>()
  let tickets = 0
  const leave = (ticket: number): Waiting | undefined => {
    const caller = waiting.get(ticket)
    waiting.delete(ticket)
    return caller
  }
  return {
    enter(caller: Waiting): number {
      tickets += 1
      waiting.set(tickets, caller)
      return tickets
    },
    settle(answer: Extract<VaultAnswer, { kind: 'done' | 'failed' }>): void {
      if (answer.kind === 'done') return answer.outcomes.forEach(({ ticket, kept }) => leave(ticket)?.resolve(kept))
      const error = new Error(`the vault cannot be written: ${answer.reason}`)
      answer.tickets.forEach((ticket) => leave(ticket)?.reject(error))
    },
    dismiss: (error: Error) => [...waiting.keys()].forEach((ticket) => leave(ticket)?.reject(error)),
  }
}

/**
 * Starts the writer's thread for the vault in `file`.
 *
 * @throws {Error} when the file cannot be opened for writing.
 */
export async function startWriter(file: string): Promise<WriterThread> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const worker = new Worker(new URL(`./vault-writer.${extension}`, import.meta.url), {
    workerData: { file },
    name: 'ledgate vault writer',
  })
  const room = waitingRoom()
  let ended: Error | undefined
  const say = (request: VaultRequest) => worker.postMessage(request)
  const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()))

  await new Promise<void>((resolve, reject) => {
    const end = (error: Error) => {
      ended ??= error
      room.dismiss(ended)
      reject(ended)
    }
    worker.on('message', (answer: VaultAnswer) => {
      if (answer.kind === 'ready') resolve()
      else if (answer.kind === 'refused')
        end(new Error(`the vault ${file} cannot be opened for writing: ${answer.reason}`))
      else room.settle(answer)
    })
    worker.on('error', end)
    worker.on('exit', () => end(new Error('the vault is closed')))
  })

  return {
    change: (change) =>
      new Promise((resolve, reject) => {
        if (ended !== undefined) return reject(ended)
        say({ kind: 'change', ticket: room.enter({ resolve, reject }), change })
      }),
    close() {
      if (ended === undefined) say({ kind: 'close' })
      return exit
    },
  }
}
