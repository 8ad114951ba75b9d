/** Processes that follow the log and finish what was acknowledged, whatever crashes. */
export { type Backlog, createBacklog } from './backlog.ts'
export { causedBy, followEvents } from './follow-events.ts'
export { createHearing, type Hearing } from './hearing.ts'
export { resume } from './resume.ts'
export { seldom } from './seldom.ts'
export { createSlots } from './slots.ts'
