import type { LoginLimits } from './login-limits.ts'

/** The tries of one source at one account. */
export interface SourceLane {
  /** Resolves when it is this try's turn: 0, or for how many seconds the source has to stay away. */
  enter(): Promise<number>
  /** Tells how a try ended; answers until when (seconds since the epoch) the source has to stay away. */
  leave(end: 'succeeded' | 'failed' | 'abandoned'): number | undefined
}

/** Tries of one source at one account that may wait for their turn. */
const MAX_WAITING = 1000

type Delays = Pick<LoginLimits, 'freeFailures' | 'firstDelay' | 'longestDelay' | 'forgetAfter'>

/**
 * Undecided tries count as failures until they are decided: while that is too many, further ones wait rather than being
 * refused, since they may all be right.
 */
export function sourceLane(
  { freeFailures, firstDelay, longestDelay, forgetAfter }: Delays,
  nowMs: () => number,
): SourceLane {
  let failures = 0
  let failedAt = 0
  let until = 0
  let undecided = 0
  const waiting: ((wait: number) => void)[] = []

  const isFull = () => undecided >= Math.max(1, freeFailures - failures)
  const waitFor = () => Math.max(0, Math.ceil((until - nowMs()) / 1000))

  function admitWaiting(): void {
    while (waiting.length > 0 && (waitFor() > 0 || !isFull())) {
      const wait = waitFor()
      if (wait === 0) undecided += 1
      waiting.shift()?.(wait)
    }
  }

  function fail(): number | undefined {
    failures += 1
    failedAt = nowMs()
    const excess = failures - freeFailures
    if (excess < 0) return undefined
    until = nowMs() + Math.min(longestDelay, firstDelay * 2 ** Math.min(excess, 30)) * 1000
    return Math.ceil(until / 1000)
  }

  return {
    enter() {
      if (undecided === 0 && nowMs() - failedAt >= forgetAfter * 1000) failures = 0
      const wait = waitFor()
      if (wait > 0) return Promise.resolve(wait)
      if (waiting.length >= MAX_WAITING) return Promise.resolve(firstDelay)
      if (waiting.length > 0 || isFull()) return new Promise((resolve) => waiting.push(resolve))
      undecided += 1
      return Promise.resolve(0)
    },

    leave(end) {
      undecided -= 1
      const stayAway = end === 'failed' ? fail() : undefined
      if (end === 'succeeded') [failures, until] = [0, 0]
      admitWaiting()
      return stayAway
    },
  }
}
