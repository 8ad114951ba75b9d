import type { EventReader, Projection, ProjectionHealth, Projector } from '@ledgate/eventsourcing'
import type { Decode } from './build.ts'
import { buildRecords } from './build-records.ts'
import { sqliteCheckpoints } from './checkpoints.ts'
import { openWriter } from './connection.ts'
import { digestOf } from './digest.ts'
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
}

/** Far behind, fewer and larger transactions write each page less often; abreast of the log there are never so many. */
const BATCH = 10_000

/**
 * Keeps read models abreast of the log, in this thread. One subscription feeds all projections; those behind it read
 * for themselves until they meet it. There is one projector to a file.
 */
export async function openProjector<Event extends { readonly type: string }>(
  options: ProjectorOptions<Event>,
): Promise<Projector> {
  const { file, reader, batch = BATCH, lingerMs = 0 } = options
  const database = openWriter(file)
  const records = buildRecords(database)
  const checkpoints = sqliteCheckpoints(database)
  const kept = await openAll({ ...options, database, records })
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
  })
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
    digest: (name) => digestOf(file, name),
    rebuild: async (name) => following.rebuild(named(name)),
    checkpoints,
    async close() {
      await following.close()
      waiters.end()
      if (database.open) database.close()
    },
  }
}
