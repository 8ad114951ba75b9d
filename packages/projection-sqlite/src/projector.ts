import type { Checkpoints, EventReader, Projection, ProjectionHealth, Projector } from '@ledgate/eventsourcing'
import type { Decode } from './build.ts'
import type { Database } from 'better-sqlite3'
import { buildRecords, type BuildRecords } from './build-records.ts'
import { sqliteCheckpoints } from './checkpoints.ts'
import { openWriter } from './connection.ts'
import { discard, isDamage, isUnusable, wrongFromOutside } from './damage.ts'
import { digestOf } from './digest.ts'
import { messageOf } from './failure.ts'
import { follow } from './following.ts'
import { healthOf } from './health.ts'
import { openAll, type Kept } from './opening.ts'
import { transactions } from './transaction.ts'
import { waiting } from './waiting.ts'

export interface ProjectorOptions<Event extends { readonly type: string }> {
  /** Where the read models are kept. Everything in it but the checkpoints can be built anew. */
  readonly file: string
  /** The log. It is not closed with the projector. */
  readonly reader: EventReader
  readonly projections: readonly Projection<Event>[]
  readonly decode: Decode<Event>
  /** Events in one transaction at most; 10,000 unless told. */
  readonly batch?: number
  /**
   * Milliseconds for which a new event waits for others, so that they share a transaction; nobody who waits for a
   * position is kept waiting by it. 0 unless told: for a log that gives its news in pages.
   */
  readonly lingerMs?: number
  /** Told whenever a projection stopped, or the disk failed it. */
  onTrouble?(health: ProjectionHealth): void
  /** Told what was thrown away when the file was opened, and why; it is built anew. */
  onDiscarded?(why: string): void
  /**
   * Told that the log is not the one that the read models were made from: a database was restored while it was read. Nothing is
   * applied any more; a new projector builds them anew.
   */
  onForeign?(error: Error): void
  /** Told of each try of the subscription that failed, and that it says something again. */
  onUnheard?(error: unknown): void
  onHeard?(): void
  /** Told that the file turned out to be damaged. Nothing is applied any more; a new projector without the file goes on. */
  onDamage?(error: unknown): void
}

/** Far behind, fewer and larger transactions write each page less often; abreast of the log there are never so many. */
const BATCH = 10_000

interface Opened {
  readonly database: Database
  readonly records: BuildRecords
  readonly checkpoints: Checkpoints
  readonly kept: readonly Kept[]
}

async function openFile<Event extends { readonly type: string }>(options: ProjectorOptions<Event>): Promise<Opened> {
  const { file, reader, onDiscarded = () => undefined } = options
  const database = openWriter(file)
  try {
    const records = buildRecords(database)
    const checkpoints = sqliteCheckpoints(database, { reader, onDiscarded })
    return { database, records, checkpoints, kept: await openAll({ ...options, database, records, onDiscarded }) }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Opens the file, or a new one in its place when it is damaged: nothing is lost by it that is not in the log.
 *
 * @throws {Error} when the file cannot be written; it is named.
 */
async function openSound<Event extends { readonly type: string }>(options: ProjectorOptions<Event>): Promise<Opened> {
  const { file, onDiscarded } = options
  const startOver = (why: string) => {
    discard(file)
    onDiscarded?.(`${file} is damaged (${why}): the views are built anew, and what follows the log begins at its start`)
    return openFile(options)
  }
  try {
    const wrong = wrongFromOutside(file)
    if (wrong !== undefined) return await startOver(wrong)
    return await openFile(options).catch((error: unknown) => {
      if (isUnusable(error)) return startOver(messageOf(error))
      throw error
    })
  } catch (error) {
    throw new Error(`${file} cannot be used for the views: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Keeps read models abreast of the log, in this thread. One subscription feeds all projections; those behind it read
 * for themselves until they meet it. There is one projector to a file.
 */
export async function openProjector<Event extends { readonly type: string }>(
  options: ProjectorOptions<Event>,
): Promise<Projector> {
  const { file, reader, batch = BATCH, lingerMs = 0, onDamage = () => undefined } = options
  const { database, records, checkpoints, kept } = await openSound(options)
  const waiters = waiting()
  const { apply } = transactions(database, records)

  const following = follow({
    reader,
    batch,
    lingerMs,
    isAwaited: waiters.isAny,
    kept,
    apply,
    serve: (record) => records.serve(record),
    drop: (record) => records.drop(record),
    onProgress: () => waiters.check(),
    onTrouble: (each) => options.onTrouble?.(healthOf(each, following)),
    onDamage,
    onForeign: (error) => options.onForeign?.(error),
    onUnheard: (error) => options.onUnheard?.(error),
    onHeard: () => options.onHeard?.(),
  })
  const watched = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      if (isDamage(error)) onDamage(error)
      throw error
    }
  }
  const named = (name: string): Kept => {
    const found = kept.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no projection is called ${name}`)
    return found
  }

  return {
    waitFor(position, { timeoutMs, names }) {
      const wanted = names?.map(named) ?? kept
      reader.wake?.()
      const reached = waiters.until(() => {
        if (following.isClosed()) return false
        const behind = wanted.filter(({ served, live }) => (live?.progress.position ?? served.position) < position)
        if (behind.length === 0) return true
        return behind.some(({ live, candidate }) => (live ?? candidate)?.poison) ? false : undefined
      }, timeoutMs)
      following.hurry()
      return reached
    },
    health: () => kept.map((each) => healthOf(each, following)),
    digest: (name) => watched(async () => digestOf(file, name)),
    rebuild: (name) => watched(async () => following.rebuild(named(name))),
    checkpoints: {
      load: (name) => watched(() => checkpoints.load(name)),
      save: (name, position) => watched(() => checkpoints.save(name, position)),
    },
    async close() {
      await following.close()
      waiters.end()
      if (database.open) database.close()
    },
  }
}
