/** What a process has not done because its last try failed. */
export interface BacklogState {
  /** Tries that failed, since this server began. */
  readonly failures: number
  /** How many things wait for their next try. */
  readonly waiting: number
  /** Since when the oldest of them is to be done; milliseconds since the epoch. */
  readonly since: number | undefined
}

/** What waits for its next try, for display. */
export interface Backlog {
  /** @param since when it was to be done; milliseconds since the epoch. */
  failed(id: string, since: number): void
  /** It is done, or left to another process. */
  over(id: string): void
  state(): BacklogState
}

export function createBacklog(): Backlog {
  const waiting = new Map<string, number>()
  let failures = 0
  return {
    failed(id, since) {
      failures += 1
      if (!waiting.has(id)) waiting.set(id, since)
    },
    over: (id) => void waiting.delete(id),
    state: () => ({
      failures,
      waiting: waiting.size,
      since: waiting.size === 0 ? undefined : Math.min(...waiting.values()),
    }),
  }
}
