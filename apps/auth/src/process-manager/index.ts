/** Work that follows from the log: what was acknowledged gets finished, whatever crashes. */
export * from './backlog.ts'
export * from './follow-events.ts'
export * from './hearing.ts'
export * from './progress.ts'
export * from './resume.ts'
export * from './seldom.ts'
export * from './slots.ts'
