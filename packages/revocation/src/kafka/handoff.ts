/** Passes one item at a time from a producer to a consumer, so that neither gets ahead of the other. */
export interface Handoff<Item> {
  /** Resolves when the item is taken, or the handoff has ended. */
  give(item: Item): Promise<void>
  /** The next item; `undefined` at the end. @throws the error it ended with, after items that were given before. */
  take(): Promise<Item | undefined>
  /** Ends it; later calls have no effect. */
  end(error?: Error): void
}

interface Given<Item> {
  readonly item: Item
  taken(): void
}

/** For one producer and one consumer, each with one call at a time. */
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
