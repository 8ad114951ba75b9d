import { setTimeout as pause } from 'node:timers/promises'
import { messageOf } from './failure.ts'

const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 2_000

/** Called for each failed attempt; `isFirst` unless the attempt before failed too. Aborts the signal when no retry can help. */
export type OnAttemptFailed = (error: unknown, isFirst: boolean) => void

/** Retries what fails, with growing pauses, and remembers why it fails. */
export class RetryLoop {
  readonly #signal: AbortSignal
  readonly #onFailed: OnAttemptFailed
  #failure: string | undefined

  constructor(signal: AbortSignal, onFailed: OnAttemptFailed) {
    this.#signal = signal
    this.#onFailed = onFailed
  }

  /** Why the last attempt failed; `undefined` after one that succeeded. */
  get failure(): string | undefined {
    return this.#failure
  }

  /** An attempt has succeeded. For those that must report it before they return. */
  succeeded(): void {
    this.#failure = undefined
  }

  /** Repeats an attempt until it succeeds or the signal is aborted. */
  async run(attempt: () => void | Promise<void>): Promise<void> {
    for (let wait = FIRST_PAUSE_MS; !this.#signal.aborted; wait = Math.min(wait * 2, LONGEST_PAUSE_MS)) {
      try {
        await attempt()
        if (!this.#signal.aborted) this.succeeded()
        return
      } catch (error) {
        if (this.#signal.aborted) return
        const isFirst = this.#failure === undefined
        this.#failure = messageOf(error)
        this.#onFailed(error, isFirst)
        await pause(wait, undefined, { signal: this.#signal }).catch(() => undefined)
      }
    }
  }
}
