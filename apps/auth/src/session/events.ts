import { z } from 'zod'
import { defineEvent, defineStream, Epoch, type EventOf, RandomId, Seconds, Sub } from '../log/index.ts'

/** Everything a decision about a session needs; every event of `session-<sid>` carries it. */
export const SessionState = z.strictObject({
  sid: RandomId,
  sub: Sub,
  user_epoch: Epoch,
  ended: z.enum(['no', 'ended', 'revoked']),
  auth_time: Seconds,
  amr: z.array(z.string()),
  touched_at: Seconds,
  idle_expires_at: Seconds,
  expires_at: Seconds,
})
export type SessionState = z.infer<typeof SessionState>

const session = SessionState

export const SessionStarted = defineEvent('SessionStarted', { session })
export const SessionTouched = defineEvent('SessionTouched', { session })
/** Ends every grant of the session. */
export const SessionRevoked = defineEvent('SessionRevoked', { reason: z.string(), session })
/** Signed out or expired: ends the session's grants without `offline_access`. */
export const SessionEnded = defineEvent('SessionEnded', { reason: z.string(), session })

export const sessionEvents = [SessionStarted, SessionTouched, SessionRevoked, SessionEnded] as const
export type SessionEvent = EventOf<(typeof sessionEvents)[number]>

/** `session-<sid>`. */
export const sessionStream = defineStream('session', sessionEvents)
