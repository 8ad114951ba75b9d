import { z } from 'zod'

/** Whole seconds since the epoch. */
const Seconds = z.int().nonnegative()

/**
 * Scopes that have an epoch: a token dies when it carries a lower one. The others end whatever they name.
 *
 * `online_session` is a session that was signed out of or expired: it ends the tokens without `offline_access`.
 */
const EPOCH_SCOPES = ['issuer', 'client', 'user'] as const
const PLAIN_SCOPES = ['session', 'online_session', 'grant', 'jti', 'key'] as const

export type EpochScope = (typeof EPOCH_SCOPES)[number]
export type PlainScope = (typeof PLAIN_SCOPES)[number]
export type Scope = EpochScope | PlainScope

/** Whether a scope says an epoch. */
export const hasEpoch = (scope: Scope): scope is EpochScope => (EPOCH_SCOPES as readonly string[]).includes(scope)

/**
 * That tokens have ended: those with this name in this scope, and below this epoch where the scope has one. Applying notices
 * is commutative and idempotent: a token is dead if any says so, and within one scope and name the highest epoch wins.
 */
const Ending = {
  /** The `client_id`, `sub`, `sid`, `gid`, `jti` or `kid`; the issuer itself for scope `issuer`. */
  id: z.string().min(1).max(255),
  /** When no token that this can concern lives any more: event time, token cap and allowed skew together. */
  until: Seconds,
}

export const Ended = z.discriminatedUnion('scope', [
  z.object({ scope: z.enum(EPOCH_SCOPES), ...Ending, epoch: z.int().nonnegative() }),
  z.object({ scope: z.enum(PLAIN_SCOPES), ...Ending }),
])
export type Ended = z.infer<typeof Ended>

/** A place in the log of events: opaque, and compares as a string does. The empty one is before everything. */
export type LogPosition = string
const LogPosition = z.string().max(64)

/** What a notice says, and of which event it tells. */
export interface Notice {
  readonly kind: 'notice'
  readonly ended: Ended
  /** Why: the type of the event, as a URI (CAEP's and RISC's where they fit). */
  readonly type: string
  /** When it happened, in whole seconds since the epoch. */
  readonly time: number
  /** The id of this notice: that of its event, so that a copy is known as one. */
  readonly jti: string
  /** The request that led to it. */
  readonly txn: string
  /** Where its event stands in the log. */
  readonly position: LogPosition
}

/**
 * That every notice up to a place of the log came before it in the same stream, and that this place was the end of the log
 * at a time.
 */
export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly through: LogPosition
  /** Milliseconds since the epoch, taken before the end of the log was looked up. */
  readonly at: number
}

/** One part of everything that has ended and still matters, as of a place in the log. */
export interface SnapshotChunk {
  readonly kind: 'chunk'
  /** The same in all chunks of a snapshot. */
  readonly snapshot: string
  /** From 0. */
  readonly index: number
  readonly count: number
  /** Every notice up to here is in the snapshot. */
  readonly through: LogPosition
  /** As that of a heartbeat. */
  readonly at: number
  readonly ended: readonly Ended[]
}

/** Everything that a feed says. */
export type FeedStatement = Notice | Heartbeat | SnapshotChunk

export { LogPosition as LogPositionSchema }
