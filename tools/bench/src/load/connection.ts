import { connect, type Socket } from 'node:net'
import { readAnswer, type Answer } from './answer.ts'

/** What an exchange came to: an answer, or a connection that broke before there was one. */
export type Outcome = Answer | 'broken'

/** A keep-alive connection that carries one request at a time and opens itself again when it was lost. */
export interface Connection {
  /** Calls back once. Callbacks, not promises: at 40,000 requests per second the difference is measurable. */
  exchange(request: string, done: (outcome: Outcome) => void): void
  close(): void
}

/** @param port on 127.0.0.1; the bench never talks to another machine. */
export function openConnection(port: number): Connection {
  let socket: Socket | undefined
  let waiting: ((outcome: Outcome) => void) | undefined
  let received: Buffer | undefined

  const settle = (outcome: Outcome): void => {
    const done = waiting
    waiting = undefined
    received = undefined
    done?.(outcome)
  }
  const open = (): Socket => {
    const fresh = connect({ port, host: '127.0.0.1', noDelay: true })
    fresh.on('data', (chunk: Buffer) => {
      received = received === undefined ? chunk : Buffer.concat([received, chunk])
      const answer = readAnswer(received)
      if (answer !== undefined) settle(answer)
    })
    fresh.on('error', () => fresh.destroy())
    fresh.on('close', () => {
      if (socket !== fresh) return
      socket = undefined
      // A pause, so that a server that is gone is not asked in a busy loop.
      if (waiting !== undefined) setTimeout(settle, 20, 'broken')
    })
    return fresh
  }
  return {
    exchange(request, done) {
      waiting = done
      socket ??= open()
      socket.write(request, 'latin1')
    },
    close() {
      socket?.destroy()
      socket = undefined
    },
  }
}
