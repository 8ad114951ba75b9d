/** The thread that keeps the read models: the one that signs tokens does not pay for it. */
import { parentPort, workerData } from 'node:worker_threads'
import { openProjector, serveProjector } from '@ledgate/projection-sqlite'
import { z } from 'zod'
import { decode } from '../log/index.ts'
import { projections } from '../views/projections.ts'
import { lingerMs, LogSource, openSource } from './log-source.ts'

const { source, viewsFile } = z.object({ source: LogSource, viewsFile: z.string() }).parse(workerData)
if (parentPort === null) throw new Error('projector.ts is the entry of a worker thread')

const reader = await openSource(source)
const projector = await openProjector({ file: viewsFile, reader, projections, decode, lingerMs: lingerMs(source) })
serveProjector(parentPort, projector, () => reader.close())
