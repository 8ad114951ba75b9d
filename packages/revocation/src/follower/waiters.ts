/** Those who wait for one condition. */
export class Waiters {
  readonly #wakes = new Set<() => void>()

  /** Resolves at the next {@link Waiters.wakeAll}. @throws the reason of the signal when it is aborted first. */
  wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = () => {
        this.#wakes.delete(wake)
        signal.removeEventListener('abort', abandon)
      }
      const wake = () => {
        settle()
        resolve()
      }
      const abandon = () => {
        settle()
        reject(signal.reason)
      }
      this.#wakes.add(wake)
      signal.addEventListener('abort', abandon)
    })
  }

  wakeAll(): void {
    for (const wake of [...this.#wakes]) wake()
  }
}
