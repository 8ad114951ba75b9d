/** Read models in one SQLite file: the projector, connections for queries, and a projector in a worker thread. */
export { type ReopenableViewReader, openViewMoment, openViewReader } from './connection.ts'
export { discard as discardViews } from './damage.ts'
export { openProjector, type ProjectorOptions } from './projector.ts'
export { connectProjector, type RemoteOptions, type RemoteProjector } from './remote.ts'
export { serveProjector, tellDiscarded, tellHeard } from './serve.ts'
