import { z } from 'zod'
import { EVENT_TYPES } from './event-type.ts'

/** Whole seconds since the epoch. */
export const Seconds = z.int().nonnegative()
/** Whole milliseconds since the epoch. */
export const Milliseconds = z.int().nonnegative()
/** How often all tokens of a client, a user or the issuer were revoked. It only rises, except by a restore from a backup. */
export const Epoch = z.int().nonnegative()
/** The epoch of the issuer, if there is one. An invalid value does not invalidate the notice, which still revokes tokens. */
export const IssuerEpoch = Epoch.optional().catch(undefined)
/** The `client_id`, `sub`, `sid`, `gid`, `jti` or `kid` whose tokens are revoked; the issuer itself for the scope `issuer`. */
export const Id = z.string().min(1).max(255)

/**
 * Scopes with an epoch: they revoke tokens with a lower one. The others revoke all tokens with the id.
 *
 * `online_session` is a session that was signed out or expired: it revokes the tokens without `offline_access`.
 */
const EPOCH_SCOPES = ['issuer', 'client', 'user'] as const
const PLAIN_SCOPES = ['session', 'online_session', 'grant', 'jti', 'key'] as const

/** All scopes, in the order in which they are reported when several revoke a token. */
export const SCOPES = [...EPOCH_SCOPES, ...PLAIN_SCOPES] as const

export type EpochScope = (typeof EPOCH_SCOPES)[number]
export type PlainScope = (typeof PLAIN_SCOPES)[number]
export type Scope = EpochScope | PlainScope

/** Whether a scope has an epoch. */
export const hasEpoch = (scope: Scope): scope is EpochScope => EPOCH_SCOPES.some((each) => each === scope)

/** Whether a scope is known here; a newer issuer may have more of them. */
export const isScope = (word: string): word is Scope => SCOPES.some((each) => each === word)

const Ending = {
  id: Id,
  /** When every token that this revokes has expired: the time of the event, the longest lifetime and the allowed skew together. */
  until: Seconds,
}

/**
 * The `issuer_epoch` under which an epoch was counted: a restore from a backup raises it while all other epochs fall back. Without
 * it, as in notices of older servers, only the epoch is compared.
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
 * A revocation: of the tokens with this id in this scope, and with a lower epoch if the scope has one. Applying revocations is
 * commutative and idempotent: a token is revoked if any of them says so, and for one scope and id the highest epoch counts; of two
 * with an `issuer_epoch`, the one with the higher pair (`issuer_epoch`, `epoch`).
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

/** A position in the log of events: opaque, and compared as a string. The empty one is before everything. */
export const LogPosition = z.string().max(64)
export type LogPosition = z.infer<typeof LogPosition>

/** What a statement says about the notices before it, since version 1.1 of the format. */
export const Linked = {
  /** No notice that still matters stands between this position and that of the statement. */
  predecessor: LogPosition.optional(),
  /** The position up to which a set goes, if the notice is published again as part of a set of everything that still matters. */
  set: LogPosition.optional(),
}

/** Where a notice is among the others. */
export interface Link {
  readonly position: LogPosition
  /** There is no notice that still matters between this position and that of the notice. Older issuers do not say it. */
  readonly predecessor?: LogPosition | undefined
  /**
   * The position up to which a set goes, if the notice is published again as part of a set of everything that still matters. A
   * notice that was published twice is in the set once, for the last time, so the set confirms nothing before it is complete.
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
    /** Why: the type of the event, as a URI. */
    type: z.enum(types),
    /** When it happened, in whole seconds since the epoch. */
    time: Seconds,
    /** The id of its event, by which copies are recognized. */
    jti: Id,
    /** The request that caused it. */
    txn: Id,
    /** The position of its event in the log. */
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

/** A notice: which tokens are revoked, and the event that caused it. Each scope has its own event types. */
export type Notice<In extends Scope = Scope> = { [Each in In]: z.infer<(typeof Notices)[Each]> }[In]

/**
 * Confirms that every notice up to a position of the log came before it in the same stream, and that this position was the end of
 * the log at a time.
 */
export interface Heartbeat {
  readonly kind: 'heartbeat'
  readonly through: LogPosition
  /** Milliseconds since the epoch, taken before the end of the log was read. */
  readonly at: number
  /** There is no notice that still matters between this position and `through`. */
  readonly predecessor?: LogPosition | undefined
}

/** One part of all revocations that still matter, as of a position in the log. */
export interface SnapshotChunk {
  readonly kind: 'chunk'
  /** The same in all chunks of a snapshot. */
  readonly snapshot: string
  /** From 0. */
  readonly index: number
  readonly count: number
  /** Every notice up to here is in the snapshot. */
  readonly through: LogPosition
  /** As in a heartbeat. */
  readonly at: number
  readonly ended: readonly Ended[]
}

/** A signed event of a type that is not known here, from a newer issuer. */
export interface UnknownEvent {
  readonly kind: 'unknown'
  readonly type: string
  /** Where it is among the notices, if it says so: the next statement refers to it. */
  readonly link?: Link | undefined
}

/** Everything that an issuer of this version publishes in a feed. */
export type IssuedStatement = Notice | Heartbeat | SnapshotChunk

/** Everything that can be read from a feed. */
export type FeedStatement = IssuedStatement | UnknownEvent
