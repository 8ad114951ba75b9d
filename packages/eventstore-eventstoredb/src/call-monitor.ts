import { DecideAgain, Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import { reasonOf } from './failure.ts'
import type { Health } from './health.ts'

/** Milliseconds between two probes of a cluster that did not answer. */
const PROBE_MS = 1_000

/** Watches the calls of a store: those that wait for an answer, and whether the cluster answered the last one. */
export class CallMonitor {
  readonly #probe: () => Promise<unknown>
  readonly #closing = new AbortController()
  readonly #waiting = new Set<Promise<unknown>>()
  #failure: string | undefined
  #timer: NodeJS.Timeout | undefined

  /** @param probe a call that fails as long as the cluster does not answer. */
  constructor(probe: () => Promise<unknown>) {
    this.#probe = probe
  }

  /** Aborted when the store is closed. */
  get closed(): AbortSignal {
    return this.#closing.signal
  }

  /** How many calls wait for an answer. */
  get waiting(): number {
    return this.#waiting.size
  }

  health(): Health {
    return this.#failure === undefined ? { ok: true } : { ok: false, reason: this.#failure }
  }

  assertOpen(): void {
    if (this.closed.aborted) throw new Unavailable('the event store is closed')
  }

  /** Makes a call and notes whether the cluster answered. @throws {Unavailable} when the store is closed. */
  async watch<Result>(call: () => Promise<Result>): Promise<Result> {
    this.assertOpen()
    const running = call()
    this.#waiting.add(running)
    try {
      const result = await running
      this.#failure = undefined
      return result
    } catch (error) {
      this.noteFailure(error)
      throw error
    } finally {
      this.#waiting.delete(running)
    }
  }

  /** Notes that a call failed because of the cluster, and probes until it answers: without calls nothing else would notice. */
  noteFailure(error: unknown): void {
    if (error instanceof DecideAgain || !(error instanceof Unavailable || error instanceof UnknownOutcome)) return
    this.#failure = reasonOf(error)
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      if (!this.closed.aborted) void this.watch(this.#probe).catch(() => undefined)
    }, PROBE_MS).unref()
  }

  /** Refuses further calls, and waits for those that are running. */
  async close(): Promise<void> {
    const running = [...this.#waiting]
    this.#closing.abort()
    clearTimeout(this.#timer)
    await Promise.allSettled(running)
  }
}
