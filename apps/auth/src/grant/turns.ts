/** Lets callers with the same key take turns in this process. */
export interface Turns {
  take<Result>(key: string, work: () => Promise<Result>): Promise<Result>
}

/**
 * Turns in the order of asking. Economy, not safety: sixty-four requests for one grant would otherwise be in each
 * other's way sixty-four times; what keeps them apart is the expected revision, also between processes.
 */
export function turns(): Turns {
  const last = new Map<string, Promise<unknown>>()
  return {
    async take(key, work) {
      const before = last.get(key)
      const mine = before === undefined ? work() : before.then(work, work)
      last.set(key, mine)
      try {
        return await mine
      } finally {
        if (last.get(key) === mine) last.delete(key)
      }
    },
  }
}
