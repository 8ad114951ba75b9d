import type { Decider } from '@ledgate/eventsourcing'
import type { SessionEvent, SessionState } from './events.ts'

/** What a session is asked to become. Times are whole seconds since the epoch, durations seconds. */
export type SessionCommand =
  | {
      readonly type: 'Start'
      readonly sid: string
      readonly sub: string
      /** The user's epoch at the revision that was verified. */
      readonly userEpoch: number
      readonly amr: readonly string[]
      /** When the user was authenticated; default: now. */
      readonly authTime?: number
      readonly now: number
      readonly idleFor: number
      readonly lastsFor: number
    }
  | { readonly type: 'Touch'; readonly now: number; readonly idleFor: number }
  | { readonly type: 'Revoke'; readonly reason: string }
  | { readonly type: 'End'; readonly reason: string }

/** A session says that it is still in use at most this often, in seconds: reading must not write. */
export const TOUCH_INTERVAL = 300

/** Whether the session is still active. */
export const isLive = (session: SessionState, now: number): boolean =>
  session.ended === 'no' && now < session.expires_at && now < session.idle_expires_at

/** Seconds until the session expires if it is not used. */
export const secondsLeft = ({ expires_at, idle_expires_at }: SessionState, now: number): number =>
  Math.min(expires_at, idle_expires_at) - now

/** A browser's or a client's signed-in session: it ends once. */
export const session: Decider<SessionState | undefined, SessionCommand, SessionEvent> = {
  initialState: undefined,

  decide(command, state) {
    if (command.type === 'Start') {
      const { sid, sub, userEpoch, amr, now, authTime = now, idleFor, lastsFor } = command
      const started: SessionState = {
        sid,
        sub,
        user_epoch: userEpoch,
        ended: 'no',
        auth_time: authTime,
        amr: [...amr],
        touched_at: now,
        idle_expires_at: now + idleFor,
        expires_at: now + lastsFor,
      }
      return state === undefined ? [{ type: 'SessionStarted', data: { session: started } }] : []
    }
    if (state === undefined || state.ended !== 'no') return []
    switch (command.type) {
      case 'Touch': {
        const { now, idleFor } = command
        if (!isLive(state, now) || now - state.touched_at < TOUCH_INTERVAL) return []
        return [
          { type: 'SessionTouched', data: { session: { ...state, touched_at: now, idle_expires_at: now + idleFor } } },
        ]
      }
      case 'Revoke':
        return [{ type: 'SessionRevoked', data: { reason: command.reason, session: { ...state, ended: 'revoked' } } }]
      case 'End':
        return [{ type: 'SessionEnded', data: { reason: command.reason, session: { ...state, ended: 'ended' } } }]
    }
  },

  evolve: (_state, { data }) => data.session,
}

/** What a session becomes by being used; the same as before when that is not worth an event. */
export const touched = (state: SessionState, now: number, idleFor: number): SessionState =>
  session.decide({ type: 'Touch', now, idleFor }, state).reduce<SessionState>((_, { data }) => data.session, state)
