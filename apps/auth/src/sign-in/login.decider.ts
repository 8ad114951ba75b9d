import type { Decider } from '@ledgate/eventsourcing'
import type { LoginEvent } from './events.ts'

/** Failures since the last success, as far as events tell. */
export interface LoginState {
  readonly failures: number
}

export type LoginCommand =
  /** The `failures`-th failure in a row; `until` (seconds since the epoch) when the source has to wait now. */
  | { readonly type: 'Fail'; readonly failures: number; readonly reason: string; readonly until?: number | undefined }
  | { readonly type: 'Succeed'; readonly failures: number }

const isPowerOfTwo = (count: number) => Number.isInteger(Math.log2(count))

/** Which sign-ins are worth an event: the 1st, 2nd, 4th, 8th … failure, and the success that ends them. */
export const login: Decider<LoginState, LoginCommand, LoginEvent> = {
  initialState: { failures: 0 },

  decide(command, _state) {
    const { failures } = command
    if (command.type === 'Succeed')
      return failures > 0 ? [{ type: 'LoginSucceeded', data: { after_failures: failures } }] : []
    if (!isPowerOfTwo(failures)) return []
    if (command.until !== undefined) return [{ type: 'LoginDelayed', data: { failures, until: command.until } }]
    return [{ type: 'LoginFailed', data: { failures, reason: command.reason } }]
  },

  evolve(state, event) {
    switch (event.type) {
      case 'LoginFailed':
      case 'LoginDelayed':
        return { failures: event.data.failures }
      case 'LoginSucceeded':
        return { failures: 0 }
      case 'LoginFailuresWithheld':
        return state
    }
  },
}
