/** Callers who wait until something is so. */
export interface Waiting {
  /** Whether `settled` said true in time; `undefined` means not yet. Asked at once and at every `check`. */
  until(settled: () => boolean | undefined, timeoutMs?: number): Promise<boolean>
  check(): void
  isAny(): boolean
  /** Tells everybody who still waits `false`. */
  end(): void
}

export function waiting(): Waiting {
  const waiters = new Set<{ settled(): boolean | undefined; answer(is: boolean): void }>()
  return {
    until(settled, timeoutMs) {
      const now = settled()
      if (now !== undefined) return Promise.resolve(now)
      return new Promise((resolve) => {
        const waiter = {
          settled,
          answer(is: boolean) {
            clearTimeout(timer)
            waiters.delete(waiter)
            resolve(is)
          },
        }
        const timer = timeoutMs === undefined ? undefined : setTimeout(() => waiter.answer(false), timeoutMs)
        waiters.add(waiter)
      })
    },
    check() {
      for (const waiter of waiters) {
        const now = waiter.settled()
        if (now !== undefined) waiter.answer(now)
      }
    },
    isAny: () => waiters.size > 0,
    end() {
      for (const waiter of waiters) waiter.answer(false)
    },
  }
}
