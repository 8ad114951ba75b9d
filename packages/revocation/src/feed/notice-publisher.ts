/** What is sent to a topic: a signed statement, and what its reader may know without verifying it. */
export interface Publication {
  readonly jws: string
  /** The position of the notice, or the `through` of the heartbeat. */
  readonly position: string
  readonly kind: 'notice' | 'heartbeat'
  /** Of a heartbeat: what it confirms in this topic. */
  readonly confirmed?: ConfirmedOffsets
}

/**
 * What a heartbeat confirms in a topic: a reader that has read it from the offset `since` on, without a gap, knows everything that
 * still matters. `previous` is the offset of the last message of the publisher: a heartbeat that is not behind it is in a topic that
 * lost its end, and confirms nothing.
 */
export interface ConfirmedOffsets {
  readonly since: bigint
  readonly previous: bigint
}

/** The offsets of a topic: from `low` on; `high` is the next one to be written. */
export interface TopicRange {
  readonly low: bigint
  readonly high: bigint
}

/** Where notices are published. One call at a time; what is acknowledged is durable and in the order of the calls. */
export interface NoticePublisher {
  /**
   * @returns the offset of the last message that was written; it only grows, unless the topic lost its end.
   * @throws if it is unknown whether everything was written: continue with a new publisher.
   */
  send(publications: readonly Publication[]): Promise<bigint>
  /** @throws if the topic does not answer. */
  range(): Promise<TopicRange>
  close(): Promise<void>
}
