/** A number of places for work that goes on at the same time; who finds none waits in turn. */
export interface Slots {
  /** Does the work once there is a place. */
  within<Result>(work: () => Promise<Result>): Promise<Result>
  /** How many wait for a place. */
  readonly queued: number
}

/** @param count how many places there are. */
export function createSlots(count: number): Slots {
  const queue: (() => void)[] = []
  let free = count
  return {
    async within(work) {
      if (free > 0) free -= 1
      else await new Promise<void>((resolve) => queue.push(resolve))
      try {
        return await work()
      } finally {
        const next = queue.shift()
        if (next === undefined) free += 1
        else next()
      }
    },
    get queued() {
      return queue.length
    },
  }
}
