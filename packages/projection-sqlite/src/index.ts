/** Read models in one SQLite file: the runner of projections, the connection for queries, a runner in a worker thread. */
export { type LastingViewReader, openViewMoment, openViewReader } from './connection.ts'
export { discard as discardViews } from './damage.ts'
export { openProjector, type ProjectorOptions } from './projector.ts'
export { connectProjector, type RemoteOptions, type RemoteProjector } from './remote.ts'
export { serveProjector, tellDiscarded, tellHeard } from './serve.ts'
