/** The read models together. */
export { projections } from './projections.ts'
export { replayDecoding, type Replayed, replayViews } from './replay.ts'
export { openViews, type Views } from './views.ts'
