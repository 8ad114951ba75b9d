/** Read models in one SQLite file: the runner of projections, the connection for queries, a runner in a worker thread. */
export { openViewMoment, openViewReader } from './connection.ts'
export { openProjector, type ProjectorOptions } from './projector.ts'
export { connectProjector, type RemoteOptions } from './remote.ts'
export { serveProjector } from './serve.ts'
