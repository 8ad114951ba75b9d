/** What an issuer signs in a feed: notices, heartbeats and snapshots, how they are encoded, and how they are verified. */
export { type EncodeStatement, encodeStatement, type StatementSigner } from './encode-statement.ts'
export { EVENT_TYPES, type EventType, HEARTBEAT_TYPE } from './event-type.ts'
export { InvalidStatement, type InvalidStatementReason } from './invalid-statement.ts'
export {
  Ended,
  type EpochScope,
  type FeedStatement,
  hasEpoch,
  type Heartbeat,
  type IssuedStatement,
  type Link,
  LogPosition,
  type Notice,
  Notices,
  type PlainScope,
  type Scope,
  SCOPES,
  type SnapshotChunk,
  type UnknownEvent,
} from './notice.ts'
export {
  type ArrivedMessage,
  type FindKey,
  type OpenOptions,
  type OpenStatements,
  openStatements,
} from './open-statements.ts'
export { CHUNK_SIZE } from './snapshot-chunk.ts'
export { FEED_ALGORITHMS, SET_TYPE, SNAPSHOT_TYPE } from './statement-type.ts'
