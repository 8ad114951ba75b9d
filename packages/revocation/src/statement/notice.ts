import { z } from 'zod'
import { EVENT_TYPES } from './event-type.ts'

/** Whole seconds since the epoch. */
export const Seconds = z.int().nonnegative()
/** Whole milliseconds since the epoch. */
export const Milliseconds = z.int().nonnegative()
/** How often something was ended as a whole; only ever rises, but for a restore from backup. */
export const Epoch = z.int().nonnegative()
/** The epoch of the issuer where it is said; for anything else a notice is not refused, since it ends something all the same. */
export const IssuerEpoch = Epoch.optional().catch(undefined)
/** The `client_id`, `sub`, `sid`, `gid`, `jti` or `kid` that ended; the issuer itself for scope `issuer`. */
export const Id = z.string().min(1).max(255)

/**
 * Scopes that have an epoch: a token dies when it carries a lower one. The others end whatever they name.
 *
 * `online_session` is a session that was signed out of or expired: it ends the tokens without `offline_access`.
 */
const EPOCH_SCOPES = ['issuer', 'client', 'user'] as const
const PLAIN_SCOPES = ['session', 'online_session', 'grant', 'jti', 'key'] as const

/** Every scope, in the order in which a token's end is explained when several end it. */
export const SCOPES = [...EPOCH_SCOPES, ...PLAIN_SCOPES] as const

export type EpochScope = (typeof EPOCH_SCOPES)[number]
export type PlainScope = (typeof PLAIN_SCOPES)[number]
export type Scope = EpochScope | PlainScope

/** Whether a scope says an epoch. */
export const hasEpoch = (scope: Scope): scope is EpochScope => EPOCH_SCOPES.some((each) => each === scope)

/** Whether a word names a scope; a newer issuer may know more of them. */
export const isScope = (word: string): word is Scope => SCOPES.some((each) => each === word)

const Ending = {
  id: Id,
  /** When no token that this can concern lives any more: event time, token cap and allowed skew together. */
  until: Seconds,
}

/**
 * In which life of the log an epoch was counted: the `issuer_epoch` of then, which a restore from backup raises while all others
 * fall back. Without it, as in notices of older servers, the epoch alone is compared.
 */
const counted = { epoch: Epoch, issuer_epoch: IssuerEpoch }

const countedEnding = <const In extends Exclude<EpochScope, 'issuer'>>(scope: In) =>
  z.object({ scope: z.literal(scope), ...Ending, ...counted })
const plainEnding = <const In extends PlainScope>(scope: In) => z.object({ scope: z.literal(scope), ...Ending })

const Endings = {
  issuer: z.object({ scope: z.literal('issuer'), ...Ending, epoch: Epoch }),
  client: countedEnding('client'),
  user: countedEnding('user'),
  session: plainEnding('session'),
  online_session: plainEnding('online_session'),
  grant: plainEnding('grant'),
  jti: plainEnding('jti'),
  key: plainEnding('key'),
}

/**
 * That tokens have ended: those with this name in this scope, and below this epoch where the scope has one. Applying notices
 * is commutative and idempotent: a token is dead if any says so, and within one scope and name the highest epoch wins; of two
 * that say the `issuer_epoch`, too, the one whose pair (`issuer_epoch`, `epoch`) is the higher.
 */
export const Ended = z.discriminatedUnion('scope', [
  Endings.issuer,
  Endings.client,
  Endings.user,
  Endings.session,
  Endings.online_session,
  Endings.grant,
  Endings.jti,
  Endings.key,
])
export type Ended = z.infer<typeof Ended>

/** A place in the log of events: opaque, and compares as a string does. The empty one is before everything. */
export const LogPosition = z.string().max(64)
export type LogPosition = z.infer<typeof LogPosition>

/** What a statement says of the notices before it, since version 1.1 of the format. */
export const Linked = {
  /** No notice that still matters stands between this position and that of the statement. */
  predecessor: LogPosition.optional(),
  /** Of a notice that is told again with everything that still matters: the position up to which that goes. */
  set: LogPosition.optional(),
}

/** What a notice says of its place among the others. */
export interface Link {
  readonly position: LogPosition
  /** No notice that still matters stands between this position and the notice's own; an issuer of before does not say it. */
  readonly predecessor?: LogPosition | undefined
  /**
   * Of a notice that is told again in a set of everything that still matters: the position up to which the set goes. What was
   * told twice is in there the last time only, so the set vouches for nothing before it is whole.
   */
  readonly set?: LogPosition | undefined
}

const noticeOf = <Ending extends z.ZodType, Types extends Readonly<Record<string, string>>>(
  ended: Ending,
  types: Types,
) =>
  z.object({
    kind: z.literal('notice'),
    ended,
    /** Why: the type of the event, as a URI (CAEP's and RISC's where they fit). */
    type: z.enum(types),
    /** When it happened, in whole seconds since the epoch. */
    time: Seconds,
    /** The id of this notice: that of its event, so that a copy is known as one. */
    jti: Id,
    /** The request that led to it. */
    txn: Id,
    /** Where its event stands in the log. */
    position: LogPosition,
    ...Linked,
  })

/** The notices of each scope. */
export const Notices = {
  issuer: noticeOf(Endings.issuer, EVENT_TYPES.issuer),
  client: noticeOf(Endings.client, EVENT_TYPES.client),
  user: noticeOf(Endings.user, EVENT_TYPES.user),
  session: noticeOf(Endings.session, EVENT_TYPES.session),
  online_session: noticeOf(Endings.online_session, EVENT_TYPES.online_session),
  grant: noticeOf(Endings.grant, EVENT_TYPES.grant),
  jti: noticeOf(Endings.jti, EVENT_TYPES.jti),
  key: noticeOf(Endings.key, EVENT_TYPES.key),
}

/** What a notice says, and of which event it tells. A scope takes its own event types only. */
export type Notice<In extends Scope = Scope> = { [Each in In]: z.infer<(typeof Notices)[Each]> }[In]

/**
 * That every notice up to a place of the log came before it in the same stream, and that this place was the end of the log
 * at a time.
 */
export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly through: LogPosition
  /** Milliseconds since the epoch, taken before the end of the log was looked up. */
  readonly at: number
  /** No notice that still matters stands between this position and `through`. */
  readonly predecessor?: LogPosition | undefined
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

/** An event that was signed by the issuer and is of no type known here: what a newer issuer says and this reader cannot follow. */
export interface UnknownEvent {
  readonly kind: 'unknown'
  readonly type: string
  /** Where it stands among the notices, if it says so: what comes after it names it. */
  readonly link?: Link | undefined
}

/** Everything that an issuer of this version says in a feed. */
export type IssuedStatement = Notice | Heartbeat | SnapshotChunk

/** Everything that can be read from a feed. */
export type FeedStatement = IssuedStatement | UnknownEvent
