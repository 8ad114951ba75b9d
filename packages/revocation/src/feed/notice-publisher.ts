/** What is sent to a topic: a signed statement and what its reader may know without opening it. */
export interface Publication {
  readonly jws: string
  /** Of the notice, or of the heartbeat's `through`. */
  readonly position: string
  readonly kind: 'notice' | 'heartbeat'
  /** Of a heartbeat: what it vouches for in this topic. */
  readonly vouched?: Vouched
}

/**
 * What a heartbeat vouches for in a topic: whoever has read it from `since` on, without a gap, knows everything that still
 * matters. `previous` is the offset of the message its sender wrote before: a heartbeat that is not behind it stands in a topic
 * that lost its end, and vouches for nothing.
 */
export interface Vouched {
  readonly since: bigint
  readonly previous: bigint
}

/** Which offsets a topic holds: from `low` on, and `high` is the next one to be written. */
export interface TopicRange {
  readonly low: bigint
  readonly high: bigint
}

/** Where notices are published. One call at a time; what was answered is durable and in the order of the calls. */
export interface NoticePublisher {
  /**
   * @returns the offset of the last message that was written; it only ever grows, unless the topic lost its end.
   * @throws when it is not known whether everything was written: begin again with a new publisher.
   */
  send(publications: readonly Publication[]): Promise<bigint>
  /** @throws when the topic cannot be asked now. */
  range(): Promise<TopicRange>
  close(): Promise<void>
}
