import type { ServerResponse } from 'node:http'

export interface StalledLimits {
  /** Milliseconds in which a reader has to take something: each second there is something to take. */
  readonly stalledMs: number
  /** Milliseconds after which a reader does not hold up the end of the server. */
  readonly drainedMs: number
}

const LIMITS: StalledLimits = { stalledMs: 30_000, drainedMs: 1_000 }

/** Ends a reader that takes nothing any more: it would keep what waits for it for ever, and the server from its end. */
export function endStalled(raw: ServerResponse, draining: AbortSignal, { stalledMs, drainedMs } = LIMITS): void {
  const end = (): void => void raw.destroy()
  const drain = (): void => void setTimeout(end, drainedMs).unref()
  raw.setTimeout(stalledMs, end)
  draining.addEventListener('abort', drain, { once: true })
  raw.once('close', () => draining.removeEventListener('abort', drain))
}
