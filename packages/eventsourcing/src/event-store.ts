import type { NewEvent, RecordedEvent } from './event.ts'
import type { Position } from './position.ts'

/**
 * What the writer believes about the stream it appends to: that it does not exist, that it exists, nothing at all, or
 * that its last event has exactly this revision.
 */
export type ExpectedRevision = 'noStream' | 'exists' | 'any' | bigint

export interface AppendResult {
  /** The revision of the last event of this append. */
  readonly revision: bigint
  /** The position of the last event of this append. */
  readonly position: Position
}

export type Direction = 'forwards' | 'backwards'

export interface ReadOptions {
  /** `forwards` unless told. */
  readonly direction?: Direction
  /** The first revision to return, inclusive. Unless told: the first event forwards, the last one backwards. */
  readonly from?: bigint
  /** How many events at most; all of them unless told. */
  readonly max?: number
}

/** Which events of the whole log are wanted: those of these categories that are of these types, where both are given. */
export interface EventFilter {
  /** A category is the part of a stream's name before its first `-`. */
  readonly categories?: readonly string[]
  readonly types?: readonly string[]
}

export interface ReadAllOptions {
  /** `forwards` unless told. */
  readonly direction?: Direction
  /** Exclusive. Unless told: the start of the log forwards, its end backwards. */
  readonly after?: Position
  readonly filter?: EventFilter
  readonly max?: number
  /** Ends the reading without an error, also while a filter leaves nothing to give. */
  readonly signal?: AbortSignal
}

export interface SubscribeOptions {
  /** Exclusive; the start of the log unless told. */
  readonly after?: Position
  readonly filter?: EventFilter
  /** Ends the subscription without an error. */
  readonly signal?: AbortSignal
  /**
   * Told of every try that failed, with its cause; the next try follows by itself. Whatever the subscription says next says
   * that it goes on again.
   */
  onFailure?(error: unknown): void
}

/**
 * What a subscription says. `checkpoint` moves a reader on when a filter left nothing to deliver; `caughtUp` says that
 * everything has been delivered that was acknowledged before the subscription last came to the end of the log (said again
 * each time the reader fell behind and caught up, and when a subscription that broke was begun again).
 */
export type SubscriptionMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'checkpoint'; readonly position: Position }
  | { readonly kind: 'caughtUp'; readonly position: Position }

/**
 * An append-only log of streams. Every adapter passes the contract in `@ledgate/eventsourcing/testing`.
 *
 * There is no transaction over two streams. The same event ids at the same expected revision succeed again with the
 * first result, and the first payload stays (EventStoreDB's rule); with `any` that check is weak, so readers of streams
 * written with `any` tell duplicates by event id.
 */
export interface EventStore {
  /**
   * Appends all events or none, durably before it answers.
   *
   * @throws {Conflict} when the stream is not as expected; nothing was written.
   * @throws {UnknownOutcome} when the events may or may not be in the log: repeat the very same call to find out.
   * @throws {Unavailable} when the store cannot take it now; nothing was written.
   * @throws {TooLarge} when an event is over `MAX_EVENT_BYTES` or the call holds more than `MAX_EVENTS_PER_APPEND`.
   * @throws {AppendRefused} when no repetition will ever succeed; nothing was written.
   * @throws {TypeError} when there is no event or the stream's name is not a valid one.
   */
  append(
    stream: string,
    events: readonly NewEvent[],
    options: { readonly expected: ExpectedRevision },
  ): Promise<AppendResult>

  /**
   * The events of one stream, in the direction asked. Sees every append that was acknowledged before the call.
   *
   * @throws {StreamNotFound} when the stream has no event.
   * @throws {Unavailable} when the store cannot be read now.
   */
  read(stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]>

  /**
   * The events of the whole log in commit order, page by page as they are pulled. After a place beyond the end there are none.
   * Comes at least as far as every position that this store gave before the call: an append, a head, an event.
   *
   * @throws {InvalidPosition} when `after` is neither `START` nor a position of this store.
   */
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>

  /**
   * Everything after a position, then everything new, in order, each once. Heals itself, and tells `onFailure` of what it
   * heals; ends by `signal` or `close`.
   *
   * @throws {InvalidPosition} when `after` is neither `START` nor a position of this store, and where a store finds out that it
   *   is none of this log: no event was given yet then.
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<SubscriptionMessage>

  /** The position of the last event of the log; `START` when it is empty. */
  head(): Promise<Position>

  /**
   * The position that a text names, whatever it came through: an answer, a cursor, a file. Says nothing about whether the
   * log has come so far.
   *
   * @throws {InvalidPosition} when this store never gives such a position; `START` is none either.
   */
  parsePosition(text: string): Position

  /** Finishes the appends under way, then refuses further ones with `Unavailable`. Idempotent. */
  close(): Promise<void>
}

/**
 * Bytes of one event: its data and metadata as JSON. Deciders bound their states to half of it, so that what ends something always
 * fits; twice what older versions could write, so that what they wrote can be ended, too.
 */
export const MAX_EVENT_BYTES = 128 * 1024
export const MAX_EVENTS_PER_APPEND = 100
