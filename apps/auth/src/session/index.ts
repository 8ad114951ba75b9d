/** Sessions: somebody signed in, somewhere. */
export { isLive as isLiveSession, type SessionCommand } from './decider.ts'
export * from './events.ts'
export * from './sessions.ts'
