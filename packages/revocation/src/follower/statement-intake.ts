import type { FeedItem } from '../feed/index.ts'
import type { FeedStatement, Heartbeat, SnapshotChunk } from '../statement/index.ts'
import { BrokenFeed, snapshotCoverage } from './snapshot-coverage.ts'
import type { ConnectionListener, Verified } from './source-connection.ts'

/** How many entries of a snapshot are applied before other work gets its turn. */
const APPLIED_AT_ONCE = 1_000

/** Parts of a list, each of at most `size` items. */
export function* slices<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}

const yieldToOthers = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve))

/**
 * Applies one item of a connection after another. Until the end of the log is reached, everything is a sign of life except
 * heartbeats that are not newer; afterwards only a newer heartbeat is. One that confirms nothing never is: a source that has no
 * others must be given up.
 */
export class StatementIntake {
  readonly #listener: ConnectionListener
  readonly #signal: AbortSignal
  readonly #onSignOfLife: () => void
  readonly #coverage = snapshotCoverage()
  #isAtEnd = false
  #newestAt = Number.NEGATIVE_INFINITY

  constructor(listener: ConnectionListener, signal: AbortSignal, onSignOfLife: () => void) {
    this.#listener = listener
    this.#signal = signal
    this.#onSignOfLife = onSignOfLife
  }

  /** @throws the failure of its verification, the reason of the signal, or {@link BrokenFeed}. */
  async take(verified: Verified, item: FeedItem | undefined): Promise<void> {
    this.#signal.throwIfAborted()
    if ('failure' in verified) throw verified.failure
    if ('refused' in verified) this.#listener.refused(verified.refused)
    const statement = 'statement' in verified ? verified.statement : undefined
    if (item?.isPart === true && statement?.kind !== 'chunk')
      throw new BrokenFeed('a snapshot contains a message that is no part of it')
    if (statement !== undefined) await this.#apply(statement, item?.confirms)
    if (item !== undefined && this.#coverage.isWhole()) this.#listener.advanced(item.cursor)
  }

  async #apply(statement: FeedStatement, confirms: FeedItem['confirms']): Promise<void> {
    if (!this.#isAtEnd && statement.kind !== 'heartbeat') this.#onSignOfLife()
    switch (statement.kind) {
      case 'notice':
        return this.#listener.revoked(statement.ended, statement)
      case 'heartbeat':
        return this.#applyHeartbeat(statement, confirms)
      case 'chunk':
        return this.#applyChunk(statement)
      case 'unknown':
        return this.#listener.unknown(statement)
    }
  }

  #applyHeartbeat(heartbeat: Heartbeat, confirms: FeedItem['confirms']): void {
    if (confirms === false) {
      if (this.#listener.unconfirmed(heartbeat)) this.#isAtEnd = true
      return
    }
    if (!this.#coverage.isWhole()) throw new BrokenFeed('a heartbeat came in the middle of a snapshot')
    this.#confirm(heartbeat)
  }

  async #applyChunk(chunk: SnapshotChunk): Promise<void> {
    for (const part of slices(chunk.ended, APPLIED_AT_ONCE)) {
      for (const ended of part) this.#listener.revoked(ended, undefined)
      await yieldToOthers()
      this.#signal.throwIfAborted()
    }
    if (this.#coverage.take(chunk)) this.#confirm(chunk)
  }

  #confirm(by: Heartbeat | SnapshotChunk): void {
    if (this.#listener.confirmed(by)) this.#isAtEnd = true
    if (by.at > this.#newestAt) this.#onSignOfLife()
    this.#newestAt = Math.max(this.#newestAt, by.at)
  }
}
