import { InvalidGrant } from '@ledgate/oauth'
import type { GrantEvent, GrantState, RefreshState } from './events.ts'
import type { Issued } from './grant.decider.ts'

/** A refresh token whose secret was verified, and how it is presented. Times in whole seconds, durations in seconds. */
export interface Presented {
  readonly generation: number
  /** The key named in the token. */
  readonly key: string
  /** SHA-256 of its `refresh_attempt`; `null` when it has none. */
  readonly attempt: string | null
  /** The keyed hash of where the request comes from; `null` when that is not known. */
  readonly source: string | null
  /** How this generation was spent, read from the log where {@link needsSpending} says so. */
  readonly spent: Spending | null
  readonly now: number
  readonly grace: number
}

/** How a generation was spent. */
export interface Spending {
  /** SHA-256 of the `refresh_attempt`; `null` when it was spent without one. */
  readonly attempt: string | null
  /** The keyed hash of where the request came from; `null` when that is not known, or was erased. */
  readonly source: string | null
}

export interface PresentRefreshToken extends Presented {
  readonly type: 'PresentRefreshToken'
  readonly idleFor: number
  /** The derivation key for the next generation. */
  readonly nextKey: string
  readonly token: Issued
}

/** A spent token is answered again this often, and its exact retry for this long. */
const MAX_REPLAYS = 100
const REPLAY_FOR = 3600

/** What presenting a refresh token means. `late` is a duplicate that is refused and ends nothing. */
export type Judgement = 'rotate' | 'replay by attempt' | 'replay to its source' | 'replay by grace' | 'late' | 'reuse'

/** A retry of the very request that spent the token before. */
function judgeSameAttempt({ now }: Presented, refresh: RefreshState): Judgement {
  const answered = refresh.replays < MAX_REPLAYS && now < refresh.rotated_at + REPLAY_FOR
  return answered ? 'replay by attempt' : 'late'
}

/** One unknown source is not another: only a known one is the same. */
const isSpender = ({ source, spent }: Presented): boolean => source !== null && source === spent?.source

/**
 * Without an attempt, within the grace: as often as it likes from the source that spent the token (tabs that race), once from
 * another (a client that moved to another network), and not even once when the token before was answered so.
 */
function judgeGrace(presented: Presented, refresh: RefreshState): Judgement {
  const isExhausted = refresh.replays >= MAX_REPLAYS
  if (isSpender(presented)) return isExhausted ? 'late' : 'replay to its source'
  return isExhausted || refresh.by_grace || refresh.previous_by_grace ? 'reuse' : 'replay by grace'
}

/** A token that was spent last, its successor unused. */
function judgePrevious(presented: Presented, refresh: RefreshState): Judgement {
  const { attempt, now, grace } = presented
  if (attempt !== null && attempt === refresh.attempt) return judgeSameAttempt(presented, refresh)
  const isPlain = attempt === null && refresh.attempt === null
  return isPlain && now < refresh.rotated_at + grace ? judgeGrace(presented, refresh) : 'reuse'
}

/** Whether the judgement depends on how the token was spent. What would be reuse in any case needs no look into the past. */
export function needsSpending(
  { generation, attempt }: Pick<Presented, 'generation' | 'attempt'>,
  refresh: RefreshState,
) {
  if (generation >= refresh.generation) return false
  const isPrevious = generation === refresh.generation - 1
  return isPrevious ? attempt === null && refresh.attempt === null : attempt !== null
}

/**
 * What presenting this token means (design §4, docs/decisions/0018), whatever else the request says.
 *
 * @throws {InvalidGrant} when it is refused and ends nothing: revoked, never given out, or expired before it was spent.
 */
export function judgeRefresh(presented: Presented, { revoked, refresh }: GrantState): Judgement {
  if (revoked) throw new InvalidGrant('the grant is revoked')
  if (refresh === null) throw new InvalidGrant('the grant has no refresh token')
  const { generation, attempt, spent, key, now } = presented
  if (generation > refresh.generation) throw new InvalidGrant('this generation was never issued')
  const isSpent = generation < refresh.generation
  if (!isSpent && key !== refresh.key) throw new InvalidGrant('the token was derived with another key')
  const isPrevious = generation === refresh.generation - 1
  const isLate = attempt !== null && attempt === spent?.attempt
  const judgement = !isSpent ? 'rotate' : isPrevious ? judgePrevious(presented, refresh) : isLate ? 'late' : 'reuse'
  // A spent token that comes back shows a theft also when the grant has expired: access tokens may outlive it.
  if (judgement !== 'reuse' && (now >= refresh.expires_at || now >= refresh.idle_expires_at))
    throw new InvalidGrant('the refresh token has expired')
  return judgement
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

/** The events of a refresh token that is answered. @throws {InvalidGrant} when it is not. */
export function decideRefresh(command: PresentRefreshToken, state: GrantState): GrantEvent[] {
  const judgement = judgeRefresh(command, state)
  const { refresh } = state
  if (refresh === null || judgement === 'reuse') throw new InvalidGrant('a spent refresh token was presented again')
  if (judgement === 'late') throw new InvalidGrant('a late duplicate of a request that was already answered')
  const issued: GrantEvent = { type: 'TokenIssued', data: command.token }
  if (judgement === 'rotate')
    return [issued, { type: 'RefreshRotated', data: { grant: { ...state, refresh: rotated(command, refresh) } } }]
  const by = judgement === 'replay by attempt' ? 'attempt' : 'grace'
  const by_grace = refresh.by_grace || judgement === 'replay by grace'
  const replayed = { ...refresh, replays: refresh.replays + 1, by_grace }
  return [issued, { type: 'RefreshReplayed', data: { by, grant: { ...state, refresh: replayed } } }]
}
