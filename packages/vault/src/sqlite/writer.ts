import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import type { Change, Outcome, VaultAnswer, VaultRequest } from './protocol.ts'

/** The vault's writer thread: what queued during the last fsync is one transaction; then it answers. */
const port = parentPort
if (port === null) throw new Error('writer.ts runs as a worker thread')
const say = (answer: VaultAnswer) => port.postMessage(answer)
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Another process may write at the same time; it holds the database for one fsync. */
const BUSY_MS = 10_000

interface Queued {
  readonly ticket: number
  readonly change: Change
}

function open() {
  const { file }: { file: string } = workerData
  const database = new Sqlite(file, { timeout: BUSY_MS })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('secure_delete = ON')
  database.exec('CREATE TABLE IF NOT EXISTS vault (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID')
  return database
}

try {
  const database = open()
  const put = database.prepare<[string, Uint8Array]>('INSERT OR IGNORE INTO vault (name, wrapped) VALUES (?, ?)')
  const find = database.prepare<[string], Buffer>('SELECT wrapped FROM vault WHERE name = ?').pluck()
  const destroy = database.prepare<[string]>('DELETE FROM vault WHERE name = ?')

  const apply = (change: Change): Uint8Array | undefined => {
    if (change.kind === 'put') put.run(change.name, change.wrapped)
    else destroy.run(change.name)
    return change.kind === 'put' ? find.get(change.name) : undefined
  }
  const applyAll = database.transaction((queued: readonly Queued[]) =>
    queued.map(({ ticket, change }): Outcome => ({ ticket, kept: apply(change) })),
  )

  /** The old bytes are also in the write-ahead log: it has to be empty before anybody may say that they are gone. */
  const emptyLog = () => {
    const busy = database.pragma('wal_checkpoint(TRUNCATE)', { simple: true })
    if (busy !== 0) throw new Error('a reader holds on to bytes that were destroyed; destroy them again')
  }

  const write = (queued: readonly Queued[]): void => {
    try {
      const outcomes = applyAll.immediate(queued)
      if (queued.some(({ change }) => change.kind === 'destroy')) emptyLog()
      say({ kind: 'done', outcomes })
    } catch (error) {
      say({ kind: 'failed', tickets: queued.map(({ ticket }) => ticket), reason: reasonOf(error) })
    }
  }

  port.on('message', (first: VaultRequest) => {
    const requests = [first]
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      requests.push(next.message)
    const queued = requests.filter((request) => request.kind === 'change')
    if (queued.length > 0) write(queued)
    if (queued.length === requests.length) return
    database.close()
    port.close()
  })
  say({ kind: 'ready' })
} catch (error) {
  say({ kind: 'refused', reason: reasonOf(error) })
  port.close()
}
