/** Does something with the newest item; what comes while it is busy takes the place of what waits. */
export interface LatestOnly<Item> {
  put(item: Item): void
  /** Until the signal. @throws what the work throws. */
  run(work: (item: Item) => Promise<void>, signal: AbortSignal): Promise<void>
}

export function createLatestOnly<Item>(): LatestOnly<Item> {
  let waiting: { readonly item: Item } | undefined
  let wake = (): void => undefined

  return {
    put(item) {
      waiting = { item }
      wake()
    },
    async run(work, signal) {
      const woken = () => wake()
      signal.addEventListener('abort', woken)
      try {
        while (!signal.aborted) {
          const next = waiting
          waiting = undefined
          if (next !== undefined) await work(next.item)
          else await new Promise<void>((resolve) => (wake = resolve))
        }
      } finally {
        signal.removeEventListener('abort', woken)
      }
    },
  }
}
