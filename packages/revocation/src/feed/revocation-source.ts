import type { LogPosition } from '../statement/index.ts'

/** One message of a feed as received: a signed statement, and where its source continues after it. */
export interface FeedItem {
  /** A compact JWS: a notice or heartbeat (`secevent+jwt`), or a chunk of a snapshot. */
  readonly jws: string
  /** Where the source continues after this item; opaque to its readers. */
  readonly cursor: string
  /** `false` if a heartbeat at this place of the source confirms nothing. Without meaning for other statements. */
  readonly confirms?: false
  /** It must be a part of a snapshot: if it is not, there is a gap before everything that follows. */
  readonly isPart?: true
}

export interface OpenFeed {
  /** The cursor of the last item that was applied from this source; `undefined` to read from the beginning. */
  readonly cursor: string | undefined
  /**
   * The position in the log up to which everything is known, from any source: a source that can start there need not give what was
   * before.
   */
  readonly after: LogPosition | undefined
  readonly signal: AbortSignal
  /** Is called with problems of the source that do not end the connection. */
  readonly trouble?: (error: unknown) => void
}

/**
 * Where revocations come from: Kafka, HTTP, or a test. It gives items in the order of its stream, in batches, and starts with
 * everything that still matters (or after the position it is asked for). It ends or throws when the connection breaks, and is then
 * opened again by its follower. It verifies nothing: the follower does that, for every source.
 */
export interface RevocationSource {
  /** For logs and health: `kafka`, `http`. */
  readonly name: string
  open(options: OpenFeed): AsyncIterable<readonly FeedItem[]>
}
