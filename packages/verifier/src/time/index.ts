/** Deadlines, and durations that timers take. */
export { withDeadline } from './deadline.ts'
export { finiteMs, LONGEST_TIMER_MS, timerMs } from './duration.ts'
