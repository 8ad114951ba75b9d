import { Worker } from 'node:worker_threads'
import { type EncodedEvent, Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import type { AppendAnswer, AppendRequest, FromWriter, ToWriter, WriterStart } from './protocol.ts'

/** Appends that wait for the writer; beyond it the store says that it is busy rather than growing without end. */
const MAX_WAITING = 20_000

export type Settled = Extract<AppendAnswer, { kind: 'written' | 'repeated' | 'conflict' }>

/** Numbers about the writer, since it was started. */
export interface WriterFacts {
  readonly appends: number
  readonly commits: number
  readonly waiting: number
  /** How long the last commit took, fsync included. */
  readonly lastCommitMs: number
}

/** The writer thread, seen from the thread that appends. */
export interface Writing {
  append(stream: string, events: readonly EncodedEvent[], expected: number): Promise<Settled>
  /** Why nothing can be written any more; `undefined` while it can. */
  failure(): string | undefined
  facts(): WriterFacts
  close(): Promise<void>
}

interface Waiting {
  resolve(answer: Settled): void
  reject(error: Error): void
}

/**
 * Starts the writer.
 *
 * @param onAnswers called with the answers of each commit, in the order of the log, before anybody hears of them.
 * @throws {Error} when another process writes already, or the database cannot be opened.
 */
export async function startWriting(start: WriterStart): Promise<Writing> {
  const worker = new Worker(new URL(import.meta.url.endsWith('.ts') ? './writer.ts' : './writer.js', import.meta.url), {
    workerData: start,
    name: 'ledgate event writer',
  })
  const waiting = new Map<number, Waiting>()
  const unsent: AppendRequest[] = []
  const counts = { appends: 0, commits: 0, lastCommitMs: 0 }
  let ticket = 0
  let failure: string | undefined
  let closing: Promise<void> | undefined
  let exited = false

  const send = (message: ToWriter) => worker.postMessage(message)

  function settle(answer: AppendAnswer): void {
    const caller = waiting.get(answer.ticket)
    waiting.delete(answer.ticket)
    if (answer.kind === 'unknown') caller?.reject(new UnknownOutcome(`the commit failed: ${answer.reason}`))
    else if (answer.kind === 'unwritten')
      caller?.reject(new Unavailable(`the event store has failed: ${answer.reason}`))
    else caller?.resolve(answer)
  }

  function fell(reason: string): void {
    failure ??= reason
    for (const [, caller] of waiting) caller.reject(new UnknownOutcome(`the writer ended: ${reason}`))
    waiting.clear()
  }

  function heard(message: FromWriter): void {
    if (message.kind === 'failed') failure ??= message.reason
    if (message.kind !== 'answers') return
    counts.commits += 1
    counts.lastCommitMs = message.commitMs
    message.answers.forEach(settle)
  }

  // All requests that arrive in one turn of the loop go to the writer as one message.
  function flush(): void {
    send({ kind: 'appends', appends: unsent.splice(0) })
  }

  await new Promise<void>((resolve, reject) => {
    worker.on('message', (message: FromWriter) => {
      if (message.kind === 'ready') resolve()
      else if (message.kind === 'refused') reject(new Error(message.reason))
      else heard(message)
    })
    worker.on('error', (error) => {
      fell(error.message)
      reject(error)
    })
    worker.on('exit', () => {
      exited = true
      fell('the event store is closed')
    })
  })

  return {
    append(stream, events, expected) {
      if (closing !== undefined) return Promise.reject(new Unavailable('the event store is closed'))
      if (failure !== undefined) return Promise.reject(new Unavailable(`the event store has failed: ${failure}`))
      if (waiting.size >= MAX_WAITING) return Promise.reject(new Unavailable('too many appends are waiting'))
      return new Promise((resolve, reject) => {
        ticket += 1
        counts.appends += 1
        waiting.set(ticket, { resolve, reject })
        if (unsent.push({ ticket, stream, events, expected }) === 1) setImmediate(flush)
      })
    },
    failure: () => failure,
    facts: () => ({ ...counts, waiting: waiting.size }),
    close() {
      closing ??= new Promise((resolve) => {
        if (exited) return resolve()
        worker.once('exit', () => resolve())
        setImmediate(() => send({ kind: 'close' }))
      })
      return closing
    },
  }
}
