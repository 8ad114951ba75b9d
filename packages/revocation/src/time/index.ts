/** Clocks, pauses, and waiting that an abort signal ends. */
export { givenUpOn, pause, unlessAborted } from './abort.ts'
export { type Clock, systemClock } from './clock.ts'
