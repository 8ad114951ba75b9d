import type { EventStore, Position } from '@ledgate/eventsourcing'
import type { StatementSigner } from '@ledgate/revocation'
import type { Clock } from '../log/index.ts'

/** The keys of the feed, read from the log and never older than the call. */
export interface FeedKeys {
  read(): Promise<{
    readonly signer: StatementSigner
    /** `undefined` for a key whose signatures are no longer valid. */
    publicKey(kid: string): unknown
  }>
}

export interface FeedOptions {
  readonly store: Pick<EventStore, 'subscribe' | 'head'>
  /** A position at the end of the log that every subscription reaches; nothing acknowledged before the call is after it. */
  readBarrier(): Promise<Position>
  readonly keys: FeedKeys
  readonly issuer: string
  /** The issuer epoch in the log at the time of the call, or later. */
  issuerEpoch(): Promise<number>
  /** The highest token cap in the log at the time of the call, or later; in seconds. */
  tokenCap(): Promise<number>
  readonly clock: Clock
  /** Notified when the subscription fails, and when it delivers again. */
  readonly hearing?: { failed(error: unknown): void; heard(): void } | undefined
  /** Called with each failure; the feed retries by itself. */
  onError(error: unknown): void
  /** Milliseconds between two heartbeats; default: 1,000. */
  readonly everyMs?: number
  /** Milliseconds before a failed subscription is restarted; default: 1,000. */
  readonly againMs?: number
  /** Notices that are retained for readers that reconnect; default: 20,000. */
  readonly size?: number
  /** Items that may wait for one reader; default: 10,000. */
  readonly most?: number
}
