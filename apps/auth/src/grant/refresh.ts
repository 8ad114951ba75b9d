import { InvalidGrant } from '@ledgate/oauth'
import type { GrantEvent, GrantState, RefreshState } from './events.ts'
import type { Issued } from './decider.ts'

/** Somebody presents a refresh token whose secret was verified. Times in whole seconds, durations in seconds. */
export interface PresentRefreshToken {
  readonly type: 'PresentRefreshToken'
  readonly generation: number
  /** The key named in the token. */
  readonly key: string
  /** SHA-256 of its `refresh_attempt`; `null` when it has none. */
  readonly attempt: string | null
  /** For a token two or more generations old: the attempt that spent it, looked up in the log. */
  readonly spentBy: string | null
  readonly now: number
  readonly grace: number
  readonly idleFor: number
  /** The derivation key for the next generation. */
  readonly nextKey: string
  readonly token: Issued
}

/** An exact retry is answered this often and for this long. */
const MAX_REPLAYS = 100
const REPLAY_FOR = 3600

type Judgement = 'rotate' | 'replay by attempt' | 'replay by grace' | 'late' | 'reuse'

/** A retry of the very request that spent the token before. */
function judgeSameAttempt({ now }: PresentRefreshToken, refresh: RefreshState): Judgement {
  const answered = refresh.replays < MAX_REPLAYS && now < refresh.rotated_at + REPLAY_FOR
  return answered ? 'replay by attempt' : 'late'
}

/** A token that was spent last, its successor unused. */
function judgePrevious(command: PresentRefreshToken, refresh: RefreshState): Judgement {
  const { attempt, now, grace } = command
  if (attempt !== null && attempt === refresh.attempt) return judgeSameAttempt(command, refresh)
  const foreign = attempt === null && refresh.attempt === null
  const graceful = foreign && !refresh.previous_by_grace && now < refresh.rotated_at + grace
  return graceful ? 'replay by grace' : 'reuse'
}

/** What presenting this generation means (design §4). */
function judge(command: PresentRefreshToken, refresh: RefreshState): Judgement {
  const { generation, attempt, spentBy } = command
  if (generation === refresh.generation) return 'rotate'
  if (generation === refresh.generation - 1) return judgePrevious(command, refresh)
  return attempt !== null && attempt === spentBy ? 'late' : 'reuse'
}

function rotated(command: PresentRefreshToken, refresh: RefreshState): RefreshState {
  const { attempt, now, idleFor, nextKey } = command
  return {
    generation: refresh.generation + 1,
    key: nextKey,
    attempt,
    rotated_at: now,
    replays: 0,
    by_grace: false,
    previous_by_grace: refresh.by_grace,
    expires_at: refresh.expires_at,
    idle_expires_at: Math.min(now + idleFor, refresh.expires_at),
  }
}

/** The events of a refresh token that was presented. @throws {InvalidGrant} when nothing is to change. */
export function decideRefresh(command: PresentRefreshToken, state: GrantState): GrantEvent[] {
  const { refresh } = state
  const { generation, key, now, token } = command
  if (state.revoked) throw new InvalidGrant('the grant is revoked')
  if (refresh === null) throw new InvalidGrant('the grant has no refresh token')
  if (generation > refresh.generation) throw new InvalidGrant('that generation was never given out')
  if (generation === refresh.generation && key !== refresh.key) throw new InvalidGrant('the token names another key')
  if (now >= refresh.expires_at || now >= refresh.idle_expires_at)
    throw new InvalidGrant('the refresh token has expired')

  const issued: GrantEvent = { type: 'TokenIssued', data: token }
  const replayed = { ...refresh, replays: refresh.replays + 1 }
  switch (judge(command, refresh)) {
    case 'rotate':
      return [issued, { type: 'RefreshRotated', data: { grant: { ...state, refresh: rotated(command, refresh) } } }]
    case 'replay by attempt':
      return [issued, { type: 'RefreshReplayed', data: { by: 'attempt', grant: { ...state, refresh: replayed } } }]
    case 'replay by grace':
      return [
        issued,
        {
          type: 'RefreshReplayed',
          data: { by: 'grace', grant: { ...state, refresh: { ...replayed, by_grace: true } } },
        },
      ]
    case 'late':
      throw new InvalidGrant('a late duplicate of a request that was answered')
    case 'reuse':
      return [
        { type: 'RefreshReuseDetected', data: { generation, grant: state } },
        { type: 'GrantRevoked', data: { reason: 'refresh token reuse', grant: { ...state, revoked: true } } },
      ]
  }
}
