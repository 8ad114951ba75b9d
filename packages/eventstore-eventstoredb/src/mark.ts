import { InvalidPosition, type Position } from '@ledgate/eventsourcing'

/** The pulse that a subscription has to come to next, if there is one. */
export interface Mark {
  /** Writes another one, in whose stead no earlier one counts. */
  write(): void
  /** Whether it was written, or is being written, and did not come yet. */
  isDue(): boolean
  /** Whether this is it. From then on none is due. */
  isMet(id: string): boolean
  /**
   * @param begun where the subscription began.
   * @throws {InvalidPosition} when the pulse, which was written after the subscription began, stands before that place: the place is none of this log.
   * @throws {Error} when it could not be written.
   */
  check(begun: Position): void
}

/** @param pulse writes a pulse with an id; answers where it stands. */
export function openMark(pulse: (id: string) => Promise<Position>): Mark {
  let due: string | undefined
  let failure: { readonly error: unknown } | undefined
  let first: Position | undefined

  return {
    write() {
      const id = crypto.randomUUID()
      due = id
      pulse(id).then(
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
