import type { Decider } from '@ledgate/eventsourcing'
import { InvalidGrant } from '@ledgate/oauth'
import type { EventOf } from '../log/index.ts'
import type { TokenIssued } from './events.ts'
import { type GrantEvent, type GrantState, type RefreshState } from './events.ts'
import { decideRefresh, type PresentRefreshToken } from './refresh.ts'

export type Issued = EventOf<typeof TokenIssued>['data']

/** What a grant is asked to become. Times are whole seconds since the epoch. */
export type GrantCommand =
  | {
      readonly type: 'Open'
      readonly grant: Omit<GrantState, 'revoked' | 'revoked_tokens' | 'refresh'>
      readonly refresh: NewRefresh | null
      readonly token: Issued
    }
  | PresentRefreshToken
  | { readonly type: 'RevokeToken'; readonly jti: string; readonly exp: number; readonly now: number }
  | { readonly type: 'Revoke'; readonly reason: string }

/** How the first refresh token of a grant begins. */
export type NewRefresh = Pick<RefreshState, 'key' | 'expires_at' | 'idle_expires_at'>

function open({ grant, refresh, token }: Extract<GrantCommand, { type: 'Open' }>): GrantEvent[] {
  const first: RefreshState | null = refresh && {
    ...refresh,
    generation: 0,
    attempt: null,
    rotated_at: grant.opened_at,
    replays: 0,
    by_grace: false,
    previous_by_grace: false,
  }
  const opened = { ...grant, revoked: false, refresh: first, revoked_tokens: [] }
  return [
    { type: 'TokenIssued', data: token },
    { type: 'GrantOpened', data: { grant: opened } },
  ]
}

/** What one client may do for one person: the tokens it gave out, and the one refresh token that is not used yet. */
export const grant: Decider<GrantState | undefined, GrantCommand, GrantEvent> = {
  initialState: undefined,

  decide(command, state) {
    if (command.type === 'Open') return open(command)
    if (state === undefined) throw new InvalidGrant('there is no such grant')
    switch (command.type) {
      case 'PresentRefreshToken':
        return decideRefresh(command, state)
      case 'RevokeToken': {
        const { jti, exp, now } = command
        if (state.revoked || state.revoked_tokens.some((revoked) => revoked.jti === jti)) return []
        const revoked_tokens = [...state.revoked_tokens.filter((revoked) => now < revoked.exp), { jti, exp }]
        return [{ type: 'TokenRevoked', data: { jti, exp, grant: { ...state, revoked_tokens } } }]
      }
      case 'Revoke':
        return state.revoked
          ? []
          : [{ type: 'GrantRevoked', data: { reason: command.reason, grant: { ...state, revoked: true } } }]
    }
  },

  evolve: (state, event) => (event.type === 'TokenIssued' ? state : event.data.grant),
}
