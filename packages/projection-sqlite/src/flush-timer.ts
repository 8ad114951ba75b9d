/** Delays a flush, so that several events share one transaction. */
export class FlushTimer {
  readonly #flush: () => void
  #timer: NodeJS.Timeout | undefined
  #immediate: NodeJS.Immediate | undefined

  constructor(flush: () => void) {
    this.#flush = flush
  }

  /** Flushes after so many milliseconds, unless a flush is scheduled already. */
  schedule(ms: number): void {
    this.#timer ??= setTimeout(() => this.hurry(), ms).unref()
  }

  /** Runs the scheduled flush, if there is one, as soon as the current turn of the event loop is over. */
  hurry(): void {
    if (this.#timer === undefined || this.#immediate !== undefined) return
    clearTimeout(this.#timer)
    this.#immediate = setImmediate(() => {
      this.cancel()
      this.#flush()
    })
  }

  cancel(): void {
    clearTimeout(this.#timer)
    clearImmediate(this.#immediate)
    this.#timer = undefined
    this.#immediate = undefined
  }
}
