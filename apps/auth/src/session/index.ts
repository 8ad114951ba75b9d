/** Sessions: somebody signed in, somewhere. */
export { isLive as isLiveSession, secondsLeft, type SessionCommand, touched } from './decider.ts'
export * from './events.ts'
export * from './sessions.ts'
