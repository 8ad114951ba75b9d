/** Runs work with the same key one after the other, in the order of asking. */
export type SerializeByKey = <Result>(key: string, work: () => Promise<Result>) => Promise<Result>

/**
 * A queue for each key, within this process. Economy, not safety: without it, sixty-four requests for one grant would each
 * conflict sixty-four times; what keeps writers apart is the expected revision, also between processes.
 */
export function serializeByKey(): SerializeByKey {
  const last = new Map<string, Promise<unknown>>()
  return async (key, work) => {
    const before = last.get(key)
    const mine = before === undefined ? work() : before.then(work, work)
    last.set(key, mine)
    try {
      return await mine
    } finally {
      if (last.get(key) === mine) last.delete(key)
    }
  }
}
