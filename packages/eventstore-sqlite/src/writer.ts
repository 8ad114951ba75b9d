/** The writer's thread: commits one batch for each message and answers when it is on disk. */
import { parentPort, workerData } from 'node:worker_threads'
import { CommitFailure, openLogWriter, type LogWriter } from './log-writer.ts'
import { putOutcome, takeRequests, type FromWriter, type ToWriter } from './messages.ts'

const port = parentPort
if (port === null) throw new Error('the writer runs in a worker thread')

const answer = (message: FromWriter): void => port.postMessage(message)
const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function commit(writer: LogWriter, message: Extract<ToWriter, { kind: 'batch' }>): FromWriter {
  const began = performance.now()
  const numbers: number[] = []
  for (const outcome of writer.commit(takeRequests(message.cells))) putOutcome(numbers, outcome)
  return { kind: 'committed', numbers, commitMs: performance.now() - began }
}

function failure(error: unknown): FromWriter & { kind: 'failed' | 'busy' } {
  const reason = reasonOf(error)
  if (!(error instanceof CommitFailure)) return { kind: 'failed', reason, outcome: 'unknown' }
  if (error.outcome === 'busy') return { kind: 'busy', reason }
  return { kind: 'failed', reason, outcome: error.outcome }
}

/** After the first failure nothing more is written: the content of the file has to be determined by reopening it. */
function serve(writer: LogWriter): void {
  let failed: string | undefined
  port?.on('message', (message: ToWriter) => {
    if (message.kind === 'close') return close(writer)
    if (failed !== undefined) return answer({ kind: 'failed', reason: failed, outcome: 'nothing written' })
    const said = attempt(writer, message)
    if (said.kind === 'failed') failed = said.reason
    answer(said)
    if (said.kind === 'committed') failed = tidy(writer)
  })
  answer({ kind: 'ready', head: writer.head() })
}

function attempt(writer: LogWriter, message: Extract<ToWriter, { kind: 'batch' }>): FromWriter {
  try {
    return commit(writer, message)
  } catch (error) {
    return failure(error)
  }
}

function tidy(writer: LogWriter): string | undefined {
  try {
    writer.tidy()
    return undefined
  } catch (error) {
    answer({ kind: 'broken', reason: reasonOf(error) })
    return reasonOf(error)
  }
}

function close(writer: LogWriter): void {
  try {
    writer.close()
  } catch {
    // What could not be copied from the write-ahead log is recovered at the next opening.
  }
  answer({ kind: 'closed' })
  port?.close()
}

try {
  serve(openLogWriter(String(workerData.file)))
} catch (error) {
  answer({ kind: 'refused', reason: reasonOf(error) })
  port.close()
}
