/** What has ended, said so that anybody can check it. */
export { EVENT_TYPES, type EventType, HEARTBEAT_TYPE } from './event-type.ts'
export { isBrokerAddress } from './broker-address.ts'
export * from './feed.ts'
export * from './invalid-statement.ts'
export {
  Ended,
  type EpochScope,
  type FeedStatement,
  hasEpoch,
  type Heartbeat,
  type IssuedStatement,
  LogPosition,
  type Notice,
  Notices,
  type PlainScope,
  type Scope,
  SCOPES,
  type SnapshotChunk,
  type UnknownEvent,
} from './notice.ts'
export * from './patience.ts'
export * from './publishing.ts'
export { prepareToken, type PreparedToken, revocationIndex, type RevocationIndex } from './revocation-index.ts'
export { CHUNK_SIZE } from './snapshot-chunk.ts'
export * from './statement.ts'
export * from './token.ts'
export { type Clock, systemClock } from './clock.ts'
export { BrokenFeed } from './coverage.ts'
export { followRevocations } from './follow.ts'
export * from './follower.ts'
export * from './freshness.ts'
export { SilentFeed } from './opening.ts'
