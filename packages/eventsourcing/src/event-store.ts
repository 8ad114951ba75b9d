import type { NewEvent, RecordedEvent } from './event.ts'
import type { Position } from './position.ts'

/**
 * The state in which the writer expects the stream: absent, existing, any, or with exactly this revision of its last event.
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
  /** Default: `forwards`. */
  readonly direction?: Direction
  /** The first revision to return, inclusive. Default: the first event forwards, the last one backwards. */
  readonly from?: bigint
  /** The largest number of events to return; default: all. */
  readonly max?: number
}

/** Selects events of the whole log. If both are given, an event must match one of the categories and one of the types. */
export interface EventFilter {
  /** A category is the part of a stream's name before its first `-`. */
  readonly categories?: readonly string[]
  readonly types?: readonly string[]
}

export interface ReadAllOptions {
  /** Default: `forwards`. */
  readonly direction?: Direction
  /** Exclusive. Default: the start of the log forwards, its end backwards. */
  readonly after?: Position
  readonly filter?: EventFilter
  readonly max?: number
  /** Ends the read without an error, also while no event matches the filter. */
  readonly signal?: AbortSignal
}

export interface SubscribeOptions {
  /** Exclusive; default: the start of the log. */
  readonly after?: Position
  readonly filter?: EventFilter
  /** Ends the subscription without an error. */
  readonly signal?: AbortSignal
  /**
   * Called with the cause of each failed attempt; the subscription retries. Its next message means that it has recovered.
   */
  onFailure?(error: unknown): void
}

/**
 * A message of a subscription. `checkpoint` advances the position of a reader when no event matched the filter; `caughtUp`
 * means that every event was delivered that was acknowledged before the subscription last reached the end of the log. It is
 * repeated each time the reader fell behind and caught up, and after a reconnect.
 */
export type SubscriptionMessage =
  | { readonly kind: 'event'; readonly event: RecordedEvent }
  | { readonly kind: 'checkpoint'; readonly position: Position }
  | { readonly kind: 'caughtUp'; readonly position: Position }

/**
 * An append-only log of streams. Every adapter passes the contract in `@ledgate/eventsourcing/testing`.
 *
 * There is no transaction over two streams. An append of the same event ids at the same expected revision succeeds again with
 * the first result, and the first payload stays (EventStoreDB's rule). With `any` that check is weak, so readers of streams
 * written with `any` must detect duplicates by event id.
 */
export interface EventStore {
  /**
   * Appends all events or none; they are durable when it resolves.
   *
   * @throws {Conflict} when the stream is not as expected; nothing was written.
   * @throws {UnknownOutcome} when the events may or may not be in the log: repeat the same call to find out.
   * @throws {Unavailable} when the store cannot accept it now; nothing was written.
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
   * The events of one stream. Includes every append that was acknowledged before the call.
   *
   * @throws {StreamNotFound} when the stream has no event.
   * @throws {Unavailable} when the store cannot be read now.
   */
  read(stream: string, options?: ReadOptions): Promise<readonly RecordedEvent[]>

  /**
   * The events of the whole log in commit order, read page by page on demand. After a position beyond the end there are none.
   * Includes at least every position that this store returned before the call: of an append, a head or an event.
   *
   * @throws {InvalidPosition} when `after` is neither `START` nor a position of this store.
   */
  readAll(options?: ReadAllOptions): AsyncIterable<RecordedEvent>

  /**
   * All events after a position, then all new ones, in order, each once. Reconnects by itself and reports each failure to
   * `onFailure`; ends with `signal` or `close`.
   *
   * @throws {InvalidPosition} when `after` is neither `START` nor a position of this store, or when the store detects that it is
   *   not a position of this log; no event was delivered then.
   */
  subscribe(options?: SubscribeOptions): AsyncIterable<SubscriptionMessage>

  /** The position of the last event of the log; `START` when it is empty. */
  head(): Promise<Position>

  /**
   * Parses a position that was stored or sent as a text. It may be beyond the end of the log.
   *
   * @throws {InvalidPosition} when this store never returns such a position; `START` is not accepted either.
   */
  parsePosition(text: string): Position

  /** Completes the running appends, and refuses further ones with `Unavailable`. Idempotent. */
  close(): Promise<void>
}

/**
 * The largest size of one event: its data and metadata as JSON, in bytes. Deciders limit their states to half of it, so that an
 * event that ends or revokes something always fits. It is twice the limit of older versions, so that this holds for their events.
 */
export const MAX_EVENT_BYTES = 128 * 1024
export const MAX_EVENTS_PER_APPEND = 100
