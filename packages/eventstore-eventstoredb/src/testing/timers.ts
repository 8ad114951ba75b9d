/** Things to do later, which end together and keep no process alive. */
export interface Timers {
  /** At once for 0. Answers how to prevent it. */
  after(ms: number, work: () => void): () => void
  clear(): void
}

export function timers(): Timers {
  const pending = new Set<NodeJS.Timeout>()
  return {
    after(ms, work) {
      if (ms <= 0) {
        work()
        return () => undefined
      }
      const timer = setTimeout(() => {
        pending.delete(timer)
        work()
      }, ms).unref()
      pending.add(timer)
      return () => {
        clearTimeout(timer)
        pending.delete(timer)
      }
    },
    clear() {
      pending.forEach(clearTimeout)
      pending.clear()
    },
  }
}
