import type { Position, RecordedEvent } from '@ledgate/eventsourcing'
import type { Database } from 'better-sqlite3'
import type { Build } from './build.ts'
import type { BuildRecords, Progress } from './build-records.ts'
import { isDamage } from './damage.ts'
import { isMachineFailure, messageOf } from './failure.ts'

/** Where a handler threw. */
class HandlerFailure extends Error {
  readonly build: Build
  readonly index: number

  constructor(build: Build, index: number, cause: unknown) {
    super(messageOf(cause), { cause })
    this.build = build
    this.index = index
  }
}

/** Events in the order of the log, and the position that the first of them follows. */
export interface Batch {
  readonly after: Position
  readonly events: readonly RecordedEvent[]
}

/** The progress a build has made with the first `count` events of a batch. */
function progressAfter({ after, events }: Batch, count: number): Progress | undefined {
  const last = events[count - 1]
  if (last === undefined) return undefined
  return { position: last.position, before: events[count - 2]?.position ?? after, lastId: last.id }
}

/**
 * Applies a batch to builds. A build that meets a poison event has `poison` set afterwards.
 *
 * @throws when the disk or the machine failed: builds without progress have none of the batch.
 */
export type Apply = (batch: Batch, builds: readonly Build[]) => void

/**
 * Rows and progress change in one transaction. When a handler throws, its build keeps what came before the event and stops
 * there; the others continue.
 */
export function prepareApply(database: Database, records: BuildRecords): Apply {
  const begin = database.prepare('BEGIN IMMEDIATE')
  const commit = database.prepare('COMMIT')
  const rollback = database.prepare('ROLLBACK')

  /** Event by event, so that all builds handle one while its data is in the caches. */
  function applyAll(events: readonly RecordedEvent[], builds: readonly Build[]): void {
    let index = 0
    let current: Build | undefined
    try {
      for (const event of events) {
        for (current of builds) current.apply(event)
        index += 1
      }
      for (current of builds) current.flush()
    } catch (error) {
      if (current === undefined || isMachineFailure(error) || isDamage(error)) throw error
      throw new HandlerFailure(current, index, error)
    }
  }

  function attempt(batch: Batch, builds: readonly Build[]): void {
    const progress = progressAfter(batch, batch.events.length)
    if (progress === undefined || builds.length === 0) return
    begin.run()
    try {
      applyAll(batch.events, builds)
      for (const build of builds) records.saveProgress(build.record.id, build.progress, progress)
      commit.run()
    } catch (error) {
      if (database.inTransaction) rollback.run()
      for (const build of builds) build.reset()
      throw error
    }
    for (const build of builds) {
      build.progress = progress
      build.lastCreated = batch.events.at(-1)?.created
      build.meter.add(batch.events.length)
    }
  }

  function stopAt({ build, index, cause }: HandlerFailure, batch: Batch): void {
    const at = Math.min(index, batch.events.length - 1) // a failed flush is attributed to the last event
    const event = batch.events[at]
    if (event === undefined) throw cause
    apply({ after: batch.after, events: batch.events.slice(0, at) }, [build])
    build.poison ??= { position: event.position, type: event.type, cause: messageOf(cause) }
  }

  function apply(batch: Batch, builds: readonly Build[]): void {
    try {
      attempt(batch, builds)
    } catch (error) {
      if (!(error instanceof HandlerFailure)) throw error
      stopAt(error, batch)
      apply(
        batch,
        builds.filter((build) => build !== error.build),
      )
    }
  }

  return apply
}
