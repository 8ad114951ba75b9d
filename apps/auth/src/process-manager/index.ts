/** Processes that follow the log and finish what was acknowledged, whatever crashes. */
export { type Backlog, backlog } from './backlog.ts'
export { causedBy, type Followed, followEvents, type RecordFrom } from './follow-events.ts'
export { type Hearing, hearing } from './hearing.ts'
export { resume } from './resume.ts'
export { seldom } from './seldom.ts'
export { slots } from './slots.ts'
