/** What is sent to a topic: a signed statement and what its reader may know without opening it. */
export interface Publication {
  readonly jws: string
  /** Of the notice, or of the heartbeat's `through`. */
  readonly position: string
  readonly kind: 'notice' | 'heartbeat'
}

/** Where notices are published. One call at a time; what was answered is durable and in the order of the calls. */
export interface NoticePublisher {
  /**
   * @returns the offset of the last message that was written; it only ever grows, unless the topic lost its end.
   * @throws when it is not known whether everything was written: begin again with a new publisher.
   */
  send(publications: readonly Publication[]): Promise<bigint>
  close(): Promise<void>
}
