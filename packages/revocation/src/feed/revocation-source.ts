import type { LogPosition } from '../statement/index.ts'

/** One message of a feed as it came: a signed statement, and where its source would go on after it. */
export interface FeedItem {
  /** A compact JWS: a notice or heartbeat (`secevent+jwt`), or a chunk of a snapshot. */
  readonly jws: string
  /** Where the source goes on after this item, in its own words; opaque to everybody else. */
  readonly cursor: string
  /** The source knows that a heartbeat here vouches for nothing, because of where it stands. Of no matter to anything else. */
  readonly vouches?: false
  /** It stands where a part of a snapshot must stand: if it is none, everything after it begins with a gap. */
  readonly isPart?: true
}

export interface OpenFeed {
  /** The cursor of the last item that was applied from this very source; from its beginning when there is none. */
  readonly cursor: string | undefined
  /**
   * A place in the log up to which everything is known already, from whatever source: a source that can begin there need not
   * give what was before.
   */
  readonly after: LogPosition | undefined
  readonly signal: AbortSignal
  /** Hears of what is wrong with the source and does not end it. */
  readonly trouble?: (error: unknown) => void
}

/**
 * Where revocations come from: Kafka, HTTP, or a test. It gives items in the order of its stream, batch by batch, and begins
 * with all that still matters (or after the place it was asked to begin). It ends or throws when it broke; whoever follows it
 * begins it again. It verifies nothing: that is done in one place, for every source.
 */
export interface RevocationSource {
  /** For logs and health: `kafka`, `http`. */
  readonly name: string
  open(options: OpenFeed): AsyncIterable<readonly FeedItem[]>
}
