/** The thread that keeps the read models: the one that signs tokens does not pay for it. */
import { parentPort, workerData } from 'node:worker_threads'
import { discardViews, openProjector, serveProjector, tellDiscarded, tellHeard } from '@ledgate/projection-sqlite'
import { z } from 'zod'
import { projections } from '../views/index.ts'
import { lingerMs, LogSource, openSource } from './log-source.ts'
import { decode } from '../catalogue/index.ts'

const { source, viewsFile } = z.object({ source: LogSource, viewsFile: z.string() }).parse(workerData)
if (parentPort === null) throw new Error('projector.ts is the entry of a worker thread')

/** Without the file, and dead: the thread is started again and makes a new one. */
function onDamage(error: unknown): void {
  discardViews(viewsFile)
  setImmediate(() => {
    throw new Error(`${viewsFile} is damaged and is rebuilt`, { cause: error })
  })
}

/** Dead: the thread is started again, and finds out what is of another history. */
function onForeign(error: Error): void {
  setImmediate(() => {
    throw new Error('the views were built from another history of the log', { cause: error })
  })
}

const reader = await openSource(source)
const projector = await openProjector({
  file: viewsFile,
  reader,
  projections,
  decode,
  lingerMs: lingerMs(source),
  onDiscarded: tellDiscarded(parentPort),
  onDamage,
  onForeign,
  ...tellHeard(parentPort),
})
serveProjector(parentPort, projector, { onClosed: () => reader.close(), onDamage })
