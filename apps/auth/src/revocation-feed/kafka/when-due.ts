import { setTimeout as pause } from 'node:timers/promises'

export interface WhenDue {
  /** When it is due the next time, in milliseconds since the epoch. */
  at(): number
  /** Milliseconds since the epoch. */
  now(): number
  work(): Promise<void>
}

/** Of a timer that is not due at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Does something whenever it is due, until the signal. @throws what the work throws. */
export async function runWhenDue({ at, now, work }: WhenDue, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const ms = at() - now()
    if (ms <= 0) await work()
    else await pause(Math.min(ms, LONGEST_TIMER_MS), undefined, { signal }).catch(() => undefined)
  }
}
