import { Worker } from 'node:worker_threads'
import type { EventReader, ProjectionHealth } from '@ledgate/eventsourcing'
import { connectProjector, openProjector, openViewMoment, openViewReader } from '@ledgate/projection-sqlite'
import type { Sealer } from '@ledgate/vault'
import { openViews, projections, type Views } from '../views/index.ts'
import type { LogSource } from './log-source.ts'
import { decode } from '../catalogue/index.ts'

export interface ProjectedViewsOptions {
  /** The file of the read models; its folder is there. */
  readonly viewsFile: string
  readonly sealer: Pick<Sealer, 'unseal'>
  /** The log, which is there already: the projector reads it in a thread of its own. */
  readonly source: LogSource
  /** Called when that thread died; it is restarted. */
  onDeath?(error: Error): void
  /** Called when a view has stopped at an event it cannot apply, or the disk fails it. */
  onTrouble?(health: ProjectionHealth): void
  /** Called with what was discarded of the views' file, and why. */
  onDiscarded?(why: string): void
  /** Called when their subscription fails, and when it delivers again. */
  onUnheard?(why: string): void
  onHeard?(): void
}

/** For what a transaction of rows leaves behind it; V8 would take five times as much of the memory, for nothing. */
const YOUNG_MIB = 24

/** The read models of a running server, kept by a worker thread. */
export async function openThreadedViews(options: ProjectedViewsOptions): Promise<Views> {
  const { viewsFile, source, sealer, onDeath, onTrouble, onDiscarded, onUnheard, onHeard } = options
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
  const entry = new URL(`./projector.${extension}`, import.meta.url)
  const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MIB }
  const projector = await connectProjector({
    start: () => new Worker(entry, { workerData: { source, viewsFile }, resourceLimits }),
    ...(onDeath && { onDeath }),
    ...(onTrouble && { onTrouble }),
    ...(onDiscarded && { onDiscarded }),
    ...(onUnheard && { onUnheard }),
    ...(onHeard && { onHeard }),
    onRestart: () => reader.reopen(),
  })
  const onDamage = (error: unknown): void => projector.discard(error)
  const reader = openViewReader(viewsFile, onDamage)
  return openViews({
    projector,
    reader,
    openMoment: () => openViewMoment(viewsFile, onDamage),
    sealer,
  })
}

/** The read models over any event store, kept by this thread: for tests and small tools. */
export async function openLocalViews({
  viewsFile,
  store,
  sealer,
}: {
  readonly viewsFile: string
  readonly store: EventReader
  readonly sealer: Pick<Sealer, 'unseal'>
}): Promise<Views> {
  const projector = await openProjector({ file: viewsFile, reader: store, projections, decode })
  return openViews({
    projector,
    reader: openViewReader(viewsFile),
    openMoment: () => openViewMoment(viewsFile),
    sealer,
  })
}
