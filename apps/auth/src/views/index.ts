/** The read models together. */
export { projections } from './projections.ts'
export { replayDecoding, type Replayed, replayViews } from './replay-views.ts'
export { openViews, type Views } from './views.ts'
