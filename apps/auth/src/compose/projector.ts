/** The thread that keeps the read models: the one that signs tokens does not pay for it. */
import { parentPort, workerData } from 'node:worker_threads'
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { openProjector, serveProjector } from '@ledgate/projection-sqlite'
import { z } from 'zod'
import { decode } from '../log/index.ts'
import { projections } from '../views/projections.ts'

/** Nobody tells this thread of new events: looking costs less than being told of every commit. Who waits wakes it. */
const POLL_MS = 20

const { logFile, viewsFile } = z.object({ logFile: z.string(), viewsFile: z.string() }).parse(workerData)
if (parentPort === null) throw new Error('projector.ts is the entry of a worker thread')

const reader = await openSqliteEventReader({ file: logFile, pollMs: POLL_MS })
const projector = await openProjector({ file: viewsFile, reader, projections, decode })
serveProjector(parentPort, projector, () => reader.close())
