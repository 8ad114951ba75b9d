interface Waiter {
  outcome(): boolean | undefined
  resolve(outcome: boolean): void
}

/** Lets callers wait until something holds. */
export class Condition {
  readonly #waiters = new Set<Waiter>()

  /**
   * Waits for an outcome, which is asked for at once and at every `check`.
   *
   * @param outcome returns `undefined` as long as it is not known.
   * @returns `false` when `timeoutMs` milliseconds pass before; default: no limit.
   */
  until(outcome: () => boolean | undefined, timeoutMs?: number): Promise<boolean> {
    const now = outcome()
    if (now !== undefined) return Promise.resolve(now)
    return new Promise((resolve) => {
      const waiter: Waiter = {
        outcome,
        resolve: (result) => {
          clearTimeout(timer)
          this.#waiters.delete(waiter)
          resolve(result)
        },
      }
      const timer = timeoutMs === undefined ? undefined : setTimeout(() => waiter.resolve(false), timeoutMs)
      this.#waiters.add(waiter)
    })
  }

  check(): void {
    for (const waiter of this.#waiters) {
      const now = waiter.outcome()
      if (now !== undefined) waiter.resolve(now)
    }
  }

  hasWaiters(): boolean {
    return this.#waiters.size > 0
  }

  /** Resolves all waits with `false`. */
  end(): void {
    for (const waiter of this.#waiters) waiter.resolve(false)
  }
}
