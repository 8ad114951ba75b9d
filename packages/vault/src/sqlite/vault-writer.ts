import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import Sqlite from 'better-sqlite3'
import { findByName, schema } from './schema.ts'
import type { Change, Outcome, VaultAnswer, VaultRequest } from './protocol.ts'

/** The writer's thread of the vault: the changes that arrived during the last fsync form one transaction; then it answers. */
const port = parentPort
if (port === null) throw new Error('vault-writer.ts runs as a worker thread')
const say = (answer: VaultAnswer) => port.postMessage(answer)
const reasonOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** How long to wait for another process that writes, which locks the database for one fsync. */
const BUSY_MS = 10_000

/** The version of the file's schema. */
const LAYOUT = 1

interface Queued {
  readonly ticket: number
  readonly change: Change
}

function open(file: string) {
  const database = new Sqlite(file, { timeout: BUSY_MS })
  try {
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('secure_delete = ON')
    database.pragma('temp_store = MEMORY')
    database.exec(schema)
    // SQLite silently opens a file without write permission for reading only; a write fails.
    database.pragma(`user_version = ${LAYOUT}`)
    return database
  } catch (error) {
    database.close()
    throw error
  }
}

const isBusy = (error: unknown): boolean => error instanceof Sqlite.SqliteError && error.code.startsWith('SQLITE_BUSY')
const RETRY_MS = 10
const asleep = new Int32Array(new SharedArrayBuffer(4))

/** SQLite does not wait for the locks under which a new file switches to WAL: of two concurrent openings one has to retry. */
function openWithRetries(file: string) {
  const until = performance.now() + BUSY_MS
  for (;;) {
    try {
      return open(file)
    } catch (error) {
      if (!isBusy(error) || performance.now() > until) throw error
      Atomics.wait(asleep, 0, 0, RETRY_MS)
    }
  }
}

try {
  const { file }: { file: string } = workerData
  const database = openWithRetries(file)
  const find = database.prepare<[string], Buffer>(findByName).pluck()
  const addSecret = database.prepare<[Uint8Array]>('INSERT INTO secret (wrapped) VALUES (?)')
  const addName = database.prepare<[string, number | bigint]>('INSERT INTO vault (name, secret) VALUES (?, ?)')
  // As many zeros as there were bytes, so that SQLite writes them in the same place.
  const overwrite = database.prepare<[string]>(
    'UPDATE secret SET wrapped = zeroblob(length(wrapped)) WHERE id = (SELECT secret FROM vault WHERE name = ?)',
  )
  // As long as the value that it replaces, so that SQLite writes it in the same place.
  const replace = database.prepare<[Uint8Array, string, Uint8Array]>(
    'UPDATE secret SET wrapped = ? WHERE id = (SELECT secret FROM vault WHERE name = ?) AND wrapped = ?',
  )
  const removeName = database.prepare<[string]>('DELETE FROM vault WHERE name = ?')

  const putIfAbsent = (name: string, wrapped: Uint8Array): Uint8Array => {
    const kept = find.get(name)
    if (kept !== undefined) return kept
    addName.run(name, addSecret.run(wrapped).lastInsertRowid)
    return wrapped
  }
  const apply = (change: Change): Uint8Array | undefined => {
    if (change.kind === 'put') return putIfAbsent(change.name, change.wrapped)
    if (change.kind === 'rewrap') {
      replace.run(change.wrapped, change.name, change.from)
      return undefined
    }
    overwrite.run(change.name)
    removeName.run(change.name)
    return undefined
  }
  const applyAll = database.transaction((queued: readonly Queued[]) =>
    queued.map(({ ticket, change }): Outcome => ({ ticket, kept: apply(change) })),
  )

  /** The old bytes are also in the write-ahead log, which has to be empty before the destruction is reported. */
  const emptyLog = () => {
    const busy = database.pragma('wal_checkpoint(TRUNCATE)', { simple: true })
    if (busy !== 0) throw new Error('a reader still uses the destroyed bytes; repeat the call')
  }

  const fail = (queued: readonly Queued[], error: unknown) =>
    say({ kind: 'failed', tickets: queued.map(({ ticket }) => ticket), reason: reasonOf(error) })

  /** Writes the changes in one transaction; destructions are complete only when the write-ahead log is empty too. */
  const write = (queued: readonly Queued[]): void => {
    let outcomes: readonly Outcome[]
    try {
      outcomes = applyAll.immediate(queued)
    } catch (error) {
      return fail(queued, error)
    }
    const destroys = queued.filter(({ change }) => change.kind !== 'put')
    try {
      if (destroys.length > 0) emptyLog()
    } catch (error) {
      fail(destroys, error)
    }
    say({ kind: 'done', outcomes }) // callers whose change has failed ignore this
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
