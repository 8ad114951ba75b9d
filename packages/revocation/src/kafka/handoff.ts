/** Hands one thing at a time from who reads to who works, so that neither runs away from the other. */
export interface Handoff<Item> {
  /** Resolves when it was taken, or nobody will take it any more. */
  give(item: Item): Promise<void>
  /** `undefined` at the end. @throws what it ended with; what was given before is taken first. */
  take(): Promise<Item | undefined>
  /** The first call counts. */
  end(error?: Error): void
}

interface Given<Item> {
  readonly item: Item
  taken(): void
}

/** For one giver and one taker, each of whom waits for one call before the next. */
export function handoff<Item>(): Handoff<Item> {
  let given: Given<Item> | undefined
  let ended: { readonly error: Error | undefined } | undefined
  let wake: (() => void) | undefined

  return {
    give(item) {
      if (ended) return Promise.resolve()
      return new Promise((taken) => {
        given = { item, taken }
        wake?.()
      })
    },
    async take() {
      for (;;) {
        if (given) {
          const { item, taken } = given
          given = undefined
          taken()
          return item
        }
        if (ended?.error) throw ended.error
        if (ended) return undefined
        await new Promise<void>((resolve) => (wake = resolve))
      }
    },
    end(error) {
      if (ended) return
      ended = { error }
      given?.taken()
      wake?.()
    },
  }
}
