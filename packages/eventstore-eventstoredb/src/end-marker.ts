import { InvalidPosition, type Position } from '@ledgate/eventsourcing'

/** The end marker that a subscription has to receive next, if there is one. */
export interface EndMarker {
  /** Writes a new end marker; earlier ones no longer count. */
  write(): void
  /** Whether one is written, or being written, and not yet received. */
  isDue(): boolean
  /** Whether the event with this id is the expected end marker; after that none is due. */
  isMet(id: string): boolean
  /**
   * @param begun the position at which the subscription started.
   * @throws {InvalidPosition} when an end marker that was written after the start has a position before it: `begun` is not a
   *   position of this log.
   * @throws {Error} when the end marker could not be written.
   */
  check(begun: Position): void
}

/** @param write writes an end marker with an id; returns its position. */
export function createEndMarker(write: (id: string) => Promise<Position>): EndMarker {
  let due: string | undefined
  let failure: { readonly error: unknown } | undefined
  let first: Position | undefined

  return {
    write() {
      const id = crypto.randomUUID()
      due = id
      write(id).then(
        (position) => void (first ??= position),
        (error: unknown) => void (due === id && (failure = { error })),
      )
    },
    isDue: () => due !== undefined,
    isMet(id) {
      if (id !== due) return false
      due = undefined
      return true
    },
    check(begun) {
      if (first !== undefined && first <= begun) throw new InvalidPosition()
      if (failure !== undefined && due !== undefined) throw failure.error
    },
  }
}
