import type { LogPosition } from '../statement/index.ts'
import { pause } from '../time/index.ts'
import { type ConnectionListener, readConnection, type SourceConnection } from './source-connection.ts'

export interface ReconnectingSourceOptions extends Pick<
  SourceConnection,
  'source' | 'open' | 'silenceMs' | 'onCleanup' | 'clock'
> {
  readonly listener: Omit<ConnectionListener, 'advanced'>
  /** The position up to which everything is known, from any source. */
  readonly after: () => LogPosition | undefined
  /** Milliseconds before reconnecting: after the first failure, and at most. */
  readonly backoffMs: { readonly first: number; readonly longest: number }
  /** From 0 to 1. */
  readonly random: () => number
  /** Is called with why a connection ended, and with what is wrong with one that goes on. */
  readonly onTrouble: (error: unknown) => void
}

/** A source that is reconnected whenever its connection ends, with longer pauses while it never catches up. */
export class ReconnectingSource {
  readonly #options: ReconnectingSourceOptions
  readonly #listener: ConnectionListener
  #cursor: string | undefined
  #isStartingOver = false
  #failures = 0
  #running: AbortController | undefined
  #connection: AbortController | undefined

  constructor(options: ReconnectingSourceOptions) {
    const { listener } = options
    this.#options = options
    this.#listener = {
      ...listener,
      confirmed: (by) => {
        const isCaughtUp = listener.confirmed(by)
        this.#isStartingOver = false
        if (isCaughtUp) this.#failures = 0
        return isCaughtUp
      },
      advanced: (cursor) => void (this.#cursor = cursor),
    }
  }

  /** Connects, unless it runs already. */
  start(): void {
    if (this.#running !== undefined) return
    this.#running = new AbortController()
    void this.#run(this.#running.signal)
  }

  /** Disconnects; after another `start` it continues at its cursor. */
  stop(): void {
    this.#running?.abort(new Error('the source is no longer followed'))
    this.#running = undefined
  }

  /**
   * Forgets its cursor, and what is known from other sources: the next connection reads from the beginning or a snapshot. One
   * that is open is ended.
   */
  startOver(): void {
    this.#cursor = undefined
    this.#isStartingOver = true
    this.#connection?.abort(new Error('the source is read from its beginning'))
  }

  async #run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#connect(signal)
      if (!signal.aborted) await pause(this.#nextPauseMs(), signal)
    }
  }

  async #connect(running: AbortSignal): Promise<void> {
    const { source, open, silenceMs, onCleanup, clock, after, onTrouble } = this.#options
    const { controller, unlink } = linkedController(running)
    this.#connection = controller
    try {
      await readConnection({
        source,
        from: { cursor: this.#cursor, after: this.#isStartingOver ? undefined : after() },
        open,
        silenceMs,
        signal: controller.signal,
        listener: this.#listener,
        onTrouble,
        onCleanup,
        clock,
      })
      if (!running.aborted) onTrouble(new Error('the source ended the connection'))
    } catch (error) {
      if (!running.aborted) onTrouble(error)
    } finally {
      unlink()
    }
  }

  /** Half of each pause is random, so that a thousand followers do not reconnect at the same moment. */
  #nextPauseMs(): number {
    const { first, longest } = this.#options.backoffMs
    const ms = Math.min(first * 2 ** this.#failures, longest)
    this.#failures += 1
    return (ms * (1 + this.#options.random())) / 2
  }
}

/** A controller that is aborted with the signal, until it is unlinked. */
function linkedController(signal: AbortSignal) {
  const controller = new AbortController()
  const abort = () => controller.abort(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener('abort', abort, { once: true })
  return { controller, unlink: () => signal.removeEventListener('abort', abort) }
}
