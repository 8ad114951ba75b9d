/** Sign-in sessions. */
export { SessionState } from './events.ts'
export { sessions } from './projection.ts'
export { sessionQueries, type SessionQueries } from './queries.ts'
export { isLive as isLiveSession, secondsLeft, touched } from './session.decider.ts'
export { changeSession, readSession, type ReadSession, startSession } from './sessions.ts'
