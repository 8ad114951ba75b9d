import type { Checkpoints, EventReader, Projection, ProjectionHealth, Projector } from '@ledgate/eventsourcing'
import type { Decode } from './build.ts'
import type { Database } from 'better-sqlite3'
import { openBuildRecords, type BuildRecords } from './build-records.ts'
import { openCheckpoints } from './checkpoints.ts'
import { Condition } from './condition.ts'
import { openWriter } from './connection.ts'
import { discard, findFileFault, isDamage, isUnusable } from './damage.ts'
import { computeDigest } from './digest.ts'
import { messageOf } from './failure.ts'
import { feedBuilds } from './feed-builds.ts'
import { healthOf } from './health.ts'
import { openBuilds, type ProjectionBuilds } from './open-builds.ts'
import { prepareApply } from './transaction.ts'

export interface ProjectorOptions<Event extends { readonly type: string }> {
  /** The file of the read models. Everything in it but the checkpoints can be rebuilt. */
  readonly file: string
  /** The log. It is not closed with the projector. */
  readonly reader: EventReader
  readonly projections: readonly Projection<Event>[]
  readonly decode: Decode<Event>
  /** The largest number of events in one transaction; default: 10,000. */
  readonly batch?: number
  /**
   * Milliseconds for which a new event waits for others, so that they share a transaction; a reader that waits for a
   * position is not delayed by it. Default: 0, for a log that delivers new events page by page.
   */
  readonly lingerMs?: number
  /** Called whenever a projection stops, or its file cannot be written. */
  onTrouble?(health: ProjectionHealth): void
  /** Called when something in the file is discarded at its opening and rebuilt; `why` says what and why. */
  onDiscarded?(why: string): void
  /**
   * Called when the log is not the one that the read models were built from: a database was restored while it was read. No
   * event is applied after that; a new projector rebuilds them.
   */
  onForeign?(error: Error): void
  /** Called for each attempt of the subscription that failed. */
  onUnheard?(error: unknown): void
  /** Called when the subscription delivers again. */
  onHeard?(): void
  /** Called when the file is found to be damaged. No event is applied after that; a new projector starts without the file. */
  onDamage?(error: unknown): void
}

/** While a projection is far behind, fewer and larger transactions write each page less often. */
const BATCH = 10_000

interface Opened {
  readonly database: Database
  readonly records: BuildRecords
  readonly checkpoints: Checkpoints
  readonly projections: readonly ProjectionBuilds[]
}

async function openFile<Event extends { readonly type: string }>(options: ProjectorOptions<Event>): Promise<Opened> {
  const { file, reader, onDiscarded = () => undefined } = options
  const database = openWriter(file)
  try {
    const records = openBuildRecords(database)
    const checkpoints = openCheckpoints(database, { reader, onDiscarded })
    const projections = await openBuilds({ ...options, database, records, onDiscarded })
    return { database, records, checkpoints, projections }
  } catch (error) {
    database.close()
    throw error
  }
}

/**
 * Opens the file, or a new one in its place when it is damaged: all that is lost can be rebuilt from the log.
 *
 * @throws {Error} when the file cannot be written; it is named.
 */
async function openSound<Event extends { readonly type: string }>(options: ProjectorOptions<Event>): Promise<Opened> {
  const { file, onDiscarded } = options
  const startOver = (why: string) => {
    discard(file)
    onDiscarded?.(`${file} is damaged (${why}): the views are rebuilt, and process managers restart from the beginning`)
    return openFile(options)
  }
  try {
    const fault = findFileFault(file)
    if (fault !== undefined) return await startOver(fault)
    return await openFile(options).catch((error: unknown) => {
      if (isUnusable(error)) return startOver(messageOf(error))
      throw error
    })
  } catch (error) {
    throw new Error(`${file} cannot be used for the views: ${messageOf(error)}`, { cause: error })
  }
}

/**
 * Keeps read models up to date with the log, in this thread. One subscription feeds all projections; those behind it read
 * the log themselves until they reach its position. A file has one projector.
 */
export async function openProjector<Event extends { readonly type: string }>(
  options: ProjectorOptions<Event>,
): Promise<Projector> {
  const { file, reader, batch = BATCH, lingerMs = 0, onDamage = () => undefined } = options
  const { database, records, checkpoints, projections } = await openSound(options)
  const progress = new Condition()

  const feed = feedBuilds({
    reader,
    batch,
    lingerMs,
    isAwaited: () => progress.hasWaiters(),
    projections,
    apply: prepareApply(database, records),
    serve: (record) => records.serve(record),
    drop: (record) => records.drop(record),
    onProgress: () => progress.check(),
    onTrouble: (projection) => options.onTrouble?.(healthOf(projection, feed)),
    onDamage,
    onForeign: (error) => options.onForeign?.(error),
    onUnheard: (error) => options.onUnheard?.(error),
    onHeard: () => options.onHeard?.(),
  })
  const reportDamage = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    try {
      return await work()
    } catch (error) {
      if (isDamage(error)) onDamage(error)
      throw error
    }
  }
  const find = (name: string): ProjectionBuilds => {
    const found = projections.find((projection) => projection.name === name)
    if (found === undefined) throw new Error(`no projection is called ${name}`)
    return found
  }

  return {
    waitFor(position, { timeoutMs, names }) {
      const wanted = names?.map(find) ?? projections
      reader.wake?.()
      const reached = progress.until(() => {
        if (feed.isClosed()) return false
        const behind = wanted.filter(({ served, live }) => (live?.progress.position ?? served.position) < position)
        if (behind.length === 0) return true
        return behind.some(({ live, candidate }) => (live ?? candidate)?.poison) ? false : undefined
      }, timeoutMs)
      feed.hurry()
      return reached
    },
    health: () => projections.map((projection) => healthOf(projection, feed)),
    digest: (name) => reportDamage(async () => computeDigest(file, name)),
    rebuild: (name) => reportDamage(async () => feed.rebuild(find(name))),
    checkpoints: {
      load: (name) => reportDamage(() => checkpoints.load(name)),
      save: (name, position) => reportDamage(() => checkpoints.save(name, position)),
    },
    async close() {
      await feed.close()
      progress.end()
      if (database.open) database.close()
    },
  }
}
