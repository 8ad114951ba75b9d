/** How failures slow a source down. Durations are in seconds. */
export interface Delays {
  /** Failures before it has to wait. */
  readonly freeFailures: number
  /** The wait after the first failure too many; it doubles with each further one. */
  readonly firstDelay: number
  readonly longestDelay: number
  /** A source that keeps away for so long starts anew. */
  readonly forgetAfter: number
}

/** The tries of one source at one account or client. */
export interface SourceLane {
  /** For how many seconds the source has to stay away; 0 when it need not. */
  wait(): number
  /** Resolves when it is this try's turn: 0, or for how many seconds the source has to stay away. */
  enter(): Promise<number>
  /** Tells how a try that entered ended; answers until when (seconds since the epoch) the source has to stay away. */
  leave(end: 'succeeded' | 'failed' | 'abandoned'): number | undefined
  /** Counts a failure of a try that needed no turn, or left before. */
  fail(): number | undefined
  /** Forgets every failure. */
  succeed(): void
  /** Takes up what was counted before: `count` failures, the last at `at`, a wait until `until` (ms since the epoch). */
  resume(failures: { readonly count: number; readonly at: number; readonly until: number }): void
  /** Nothing would be lost with it. */
  isIdle(): boolean
}

/** Tries of one source that may wait for their turn, unless told. */
const MAX_WAITING = 1000

/**
 * Undecided tries count as failures until they are decided: while that is too many, further ones wait rather than being
 * refused, since they may all be right.
 */
export function createSourceLane(
  { freeFailures, firstDelay, longestDelay, forgetAfter }: Delays,
  nowMs: () => number,
  maxWaiting: number = MAX_WAITING,
): SourceLane {
  let failures = 0
  let failedAt = 0
  let until = 0
  let undecided = 0
  const waiting: ((wait: number) => void)[] = []

  const isFull = () => undecided >= Math.max(1, freeFailures - failures)
  const wait = () => Math.max(0, Math.ceil((until - nowMs()) / 1000))
  const isForgotten = () => nowMs() - failedAt >= forgetAfter * 1000

  function admitWaiting(): void {
    while (waiting.length > 0 && (wait() > 0 || !isFull())) {
      const left = wait()
      if (left === 0) undecided += 1
      waiting.shift()?.(left)
    }
  }

  function fail(): number | undefined {
    if (undecided === 0 && isForgotten()) failures = 0
    failures += 1
    failedAt = nowMs()
    const excess = failures - freeFailures
    if (excess < 0) return undefined
    until = nowMs() + Math.min(longestDelay, firstDelay * 2 ** Math.min(excess, 30)) * 1000
    return Math.ceil(until / 1000)
  }

  function succeed(): void {
    failures = 0
    until = 0
  }

  return {
    wait,
    fail,
    succeed,

    enter() {
      if (undecided === 0 && isForgotten()) failures = 0
      const left = wait()
      if (left > 0) return Promise.resolve(left)
      if (waiting.length >= maxWaiting) return Promise.resolve(firstDelay)
      if (waiting.length > 0 || isFull()) return new Promise((resolve) => waiting.push(resolve))
      undecided += 1
      return Promise.resolve(0)
    },

    leave(end) {
      const stayAway = end === 'failed' ? fail() : undefined
      undecided -= 1
      if (end === 'succeeded') succeed()
      admitWaiting()
      return stayAway
    },

    resume(before) {
      failures = Math.max(failures, before.count)
      failedAt = Math.max(failedAt, before.at)
      until = Math.max(until, before.until)
    },

    isIdle: () => undecided === 0 && waiting.length === 0 && wait() === 0 && (failures === 0 || isForgotten()),
  }
}
