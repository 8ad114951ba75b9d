import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import Sqlite, { type Database } from 'better-sqlite3'
import { batchWriter, type BatchWriter } from './batch.ts'
import { takeLock } from './lock.ts'
import type { AppendAnswer, AppendRequest, FromWriter, ToWriter, WriterStart } from './protocol.ts'
import { prepareForWriting } from './schema.ts'

/** One transaction takes no more than this, so that nobody waits for very many others. */
const MAX_APPENDS = 256

/** The writer thread: it commits whatever queued during the last fsync as one transaction, and answers after it. */
const port = parentPort
if (port === null) throw new Error('writer.ts runs as a worker thread')
const say = (message: FromWriter) => port.postMessage(message)
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const queue: AppendRequest[] = []
let closing = false
let failure: string | undefined

function take(message: ToWriter): void {
  if (message.kind === 'close') closing = true
  else queue.push(...message.appends)
}

function drain(from: NonNullable<typeof parentPort>): void {
  for (let next = receiveMessageOnPort(from); next !== undefined; next = receiveMessageOnPort(from)) take(next.message)
}

/** After an error of the disk nothing is tried again: what the disk holds is known only after a new start. */
function fail(appends: readonly AppendRequest[], kind: 'unwritten' | 'unknown', reason: string): AppendAnswer[] {
  failure ??= reason
  say({ kind: 'failed', reason })
  return appends.map(({ ticket }) => ({ kind, ticket, reason }))
}

function commit(database: Database, writer: BatchWriter, appends: readonly AppendRequest[]): AppendAnswer[] {
  if (failure !== undefined) {
    const reason = failure
    return appends.map(({ ticket }) => ({ kind: 'unwritten', ticket, reason }))
  }
  let answers: AppendAnswer[]
  try {
    database.exec('BEGIN IMMEDIATE')
    answers = writer.write(appends, Date.now())
  } catch (error) {
    writer.forget()
    if (database.inTransaction) database.exec('ROLLBACK')
    return fail(appends, 'unwritten', reasonOf(error))
  }
  try {
    database.exec('COMMIT')
    return answers
  } catch (error) {
    return fail(appends, 'unknown', reasonOf(error))
  }
}

function open(): { database: Database; lock: Database } {
  const { file, lockFile } = workerData as WriterStart
  const lock = takeLock(lockFile)
  const database = new Sqlite(file)
  prepareForWriting(database)
  return { database, lock }
}

try {
  const { database, lock } = open()
  const writer = batchWriter(database)
  port.on('message', (message: ToWriter) => {
    take(message)
    do {
      drain(port)
      const batch = queue.splice(0, MAX_APPENDS)
      if (batch.length === 0) break
      const began = performance.now()
      const answers = commit(database, writer, batch)
      say({ kind: 'answers', answers, commitMs: performance.now() - began })
    } while (queue.length > 0)
    if (!closing) return
    database.close()
    lock.close()
    say({ kind: 'closed' })
    port.close()
  })
  say({ kind: 'ready' })
} catch (error) {
  say({ kind: 'refused', reason: reasonOf(error) })
  port.close()
}
