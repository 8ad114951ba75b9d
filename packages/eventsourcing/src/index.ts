/** The ports of an event-sourced system and the pure machinery over them. */
export * from './event.ts'
export * from './event-store.ts'
export * from './errors.ts'
export * from './decider.ts'
export * from './projection.ts'
