/** The time, as a parameter: nothing else may ask the machine for it. */
export interface Clock {
  /** Whole seconds since the epoch. */
  now(): number
  /** Milliseconds since the epoch. */
  nowMs(): number
}

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Math.floor(Date.now() / 1000),
  nowMs: () => Date.now(),
}
