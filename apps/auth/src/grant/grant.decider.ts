import type { Decider } from '@ledgate/eventsourcing'
import { InvalidGrant } from '@ledgate/oauth'
import type { EventOf } from '../log/index.ts'
import { type GrantEvent, type GrantState, type RefreshState, type TokenIssued } from './events.ts'
import { decideRefresh, type PresentRefreshToken } from './refresh.decider.ts'

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
  /** A spent refresh token came back in a way that no retry does (`judgeRefresh`). */
  | { readonly type: 'EndForReuse'; readonly generation: number }
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

/**
 * What an ending event says of its grant: everything but the lists, whose size others chose. So it fits whatever the grant
 * had become, and nothing is lost: a revoked grant is asked for neither its scope nor its audience.
 */
export const withoutLists = (state: GrantState): GrantState => ({ ...state, scope: [], aud: [], revoked_tokens: [] })

function revoked(state: GrantState, reason: string): GrantEvent {
  return { type: 'GrantRevoked', data: { reason, grant: { ...withoutLists(state), revoked: true } } }
}

/** What one client may do for one user: the tokens it gave out, and the one refresh token that is not used yet. */
export const grant: Decider<GrantState | undefined, GrantCommand, GrantEvent> = {
  initialState: undefined,

  decide(command, state) {
    if (command.type === 'Open') return open(command)
    if (state === undefined) throw new InvalidGrant('unknown grant')
    switch (command.type) {
      case 'PresentRefreshToken':
        return decideRefresh(command, { ...state, revoked_tokens: [] })
      case 'EndForReuse': {
        const { generation } = command
        if (state.revoked) return []
        const detected = { type: 'RefreshReuseDetected', data: { generation, grant: withoutLists(state) } } as const
        return [detected, revoked(state, 'refresh token reuse')]
      }
      case 'Revoke':
        return state.revoked ? [] : [revoked(state, command.reason)]
    }
  },

  evolve: (state, event) => (event.type === 'TokenIssued' ? state : event.data.grant),
}
