import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import type { VaultAnswer, VaultRequest } from './protocol.ts'

/** The vault's writer thread: what queued during the last fsync is one transaction; then it answers. */
const port = parentPort
if (port === null) throw new Error('writer.ts runs as a worker thread')
const say = (answer: VaultAnswer) => port.postMessage(answer)
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** Another process may write at the same time; it holds the database for one fsync. */
const BUSY_MS = 10_000

type Change = Exclude<VaultRequest, { kind: 'close' }>

function open() {
  const database = new Sqlite((workerData as { file: string }).file, { timeout: BUSY_MS })
  database.pragma('journal_mode = WAL')
  database.pragma('synchronous = FULL')
  database.pragma('secure_delete = ON')
  database.exec('CREATE TABLE IF NOT EXISTS vault (name TEXT PRIMARY KEY, wrapped BLOB NOT NULL) STRICT, WITHOUT ROWID')
  return database
}

try {
  const database = open()
  const put = database.prepare('INSERT OR IGNORE INTO vault (name, wrapped) VALUES (?, ?)')
  const destroy = database.prepare('DELETE FROM vault WHERE name = ?')
  const write = database.transaction((changes: readonly Change[]) => {
    for (const change of changes) {
      if (change.kind === 'put') put.run(change.name, change.wrapped)
      else destroy.run(change.name)
    }
  })

  const apply = (changes: readonly Change[]): void => {
    const tickets = changes.map(({ ticket }) => ticket)
    try {
      write.immediate(changes)
      // The old bytes are also in the write-ahead log: empty it before saying that they are gone.
      if (changes.some(({ kind }) => kind === 'destroy')) database.pragma('wal_checkpoint(TRUNCATE)')
      say({ kind: 'done', tickets })
    } catch (error) {
      say({ kind: 'failed', tickets, reason: reasonOf(error) })
    }
  }

  port.on('message', (first: VaultRequest) => {
    const requests = [first]
    for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port))
      requests.push(next.message)
    const changes = requests.filter((request) => request.kind !== 'close')
    if (changes.length > 0) apply(changes)
    if (changes.length === requests.length) return
    database.close()
    port.close()
  })
  say({ kind: 'ready' })
} catch (error) {
  say({ kind: 'refused', reason: reasonOf(error) })
  port.close()
}
