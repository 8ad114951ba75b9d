import { RevocationError } from '../error/index.ts'
import type { SnapshotChunk } from '../statement/index.ts'

/** A feed contradicts itself or has a gap: it cannot confirm anything, and is read again. */
export class BrokenFeed extends RevocationError {
  override readonly name = 'BrokenFeed'
  readonly code = 'ERR_BROKEN_FEED'
}

/**
 * Whether one connection to a source has given everything so far.
 *
 * A connection starts at the beginning of its source, or where everything before is known. Its heartbeats therefore confirm all
 * that came before them, except while a snapshot is incomplete: what is in the missing parts is unknown. For the same reason the
 * next connection does not continue inside a snapshot, but before it.
 */
export interface SnapshotCoverage {
  /**
   * Adds a part of a snapshot, in any order and any number of times.
   *
   * @returns whether the snapshot is complete with it.
   * @throws {BrokenFeed} when it contradicts the other parts of its snapshot.
   */
  take(chunk: SnapshotChunk): boolean
  /** Whether no snapshot is incomplete. */
  isWhole(): boolean
}

interface Snapshot {
  readonly first: SnapshotChunk
  readonly missing: Set<number>
}

const isOfOne = (one: SnapshotChunk, other: SnapshotChunk): boolean =>
  one.count === other.count && one.through === other.through && one.at === other.at

/** The coverage of a connection that was just opened. */
export function snapshotCoverage(): SnapshotCoverage {
  let snapshot: Snapshot | undefined

  return {
    take(chunk) {
      // A snapshot that another one follows before it is complete is not needed: the later one has all of it.
      if (snapshot?.first.snapshot !== chunk.snapshot)
        snapshot = { first: chunk, missing: new Set(Array.from({ length: chunk.count }, (_, index) => index)) }
      if (!isOfOne(snapshot.first, chunk)) throw new BrokenFeed('the parts of a snapshot contradict each other')
      snapshot.missing.delete(chunk.index)
      return snapshot.missing.size === 0
    },
    isWhole: () => snapshot === undefined || snapshot.missing.size === 0,
  }
}
