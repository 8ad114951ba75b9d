import type { SnapshotChunk } from '../statement/index.ts'

/** A feed that contradicts itself: it cannot vouch for anything, and is begun again. */
export class BrokenFeed extends Error {
  readonly code = 'ERR_BROKEN_FEED'

  constructor(message: string) {
    super(message)
    this.name = 'BrokenFeed'
  }
}

/**
 * What one opening of a source has given without a gap.
 *
 * An opening begins at the beginning of its source, or where everything before is known. So its heartbeats vouch for all that
 * came before them, except while a snapshot is half there: what is in the missing half nobody knows. Nor may anything that
 * came meanwhile be begun after: the next opening starts where the last whole place was.
 */
export interface Coverage {
  /**
   * Takes in a part of a snapshot, in whatever order and however often.
   *
   * @returns whether the snapshot is complete with it.
   * @throws {BrokenFeed} when it is not a part of what it says.
   */
  take(chunk: SnapshotChunk): boolean
  /** Whether everything up to here is there. */
  isWhole(): boolean
}

interface Begun {
  readonly first: SnapshotChunk
  readonly missing: Set<number>
}

const isOfOne = (one: SnapshotChunk, other: SnapshotChunk): boolean =>
  one.count === other.count && one.through === other.through && one.at === other.at

/** The coverage of an opening that has just begun. */
export function coverage(): Coverage {
  let begun: Begun | undefined

  return {
    take(chunk) {
      // A snapshot that another follows before it was complete is not needed any more: the later one has all of it.
      if (begun?.first.snapshot !== chunk.snapshot)
        begun = { first: chunk, missing: new Set(Array.from({ length: chunk.count }, (_, index) => index)) }
      if (!isOfOne(begun.first, chunk)) throw new BrokenFeed('the parts of a snapshot do not fit together')
      begun.missing.delete(chunk.index)
      return begun.missing.size === 0
    },
    isWhole: () => begun === undefined || begun.missing.size === 0,
  }
}
