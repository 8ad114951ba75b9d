import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface ChildOptions {
  readonly name: string
  readonly entry: URL
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** A process of this bench that answers messages; it ends with its parent. */
export interface Child extends AsyncDisposable {
  readonly pid: number
  /** Where it listens, when it said so. */
  readonly port: number
  /** Sends a message and waits for the next one that is an answer to it. */
  ask<Reply>(message: object, isReply: (message: unknown) => message is Reply): Promise<Reply>
}

interface Ready {
  readonly kind: 'ready'
  readonly port?: number
}

const isReady = (message: unknown): message is Ready =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'ready'

/** Starts the child and waits until it says that it is ready. */
export async function startChild(options: ChildOptions): Promise<Child> {
  const process_ = fork(fileURLToPath(options.entry), [...(options.args ?? [])], {
    execArgv: ['--conditions=@ledgate/source'],
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  const complaints = tail(process_)
  const ready = await nextMessage(process_, { name: options.name, isReply: isReady, complaints })
  return {
    pid: process_.pid ?? 0,
    port: ready.port ?? 0,
    ask(message, isReply) {
      const reply = nextMessage(process_, { name: options.name, isReply, complaints })
      process_.send(message)
      return reply
    },
    [Symbol.asyncDispose]: () => ended(process_),
  }
}

function tail(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (text = (text + chunk).slice(-2000)))
  return () => text
}

interface Expectation<Reply> {
  readonly name: string
  readonly isReply: (message: unknown) => message is Reply
  readonly complaints: () => string
}

function nextMessage<Reply>(child: ChildProcess, expectation: Expectation<Reply>): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const stop = (): void => void child.off('message', hear).off('exit', fail)
    const hear = (message: unknown): void => {
      if (!expectation.isReply(message)) return
      stop()
      resolve(message)
    }
    const fail = (): void => {
      stop()
      reject(new Error(`${expectation.name} ended too soon\n${expectation.complaints()}`))
    }
    child.on('message', hear).on('exit', fail)
  })
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill('SIGKILL')
  await exit
}
