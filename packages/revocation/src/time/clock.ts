/** Two clocks, since each can be wrong in a way the other is not: one is set, the other stops while a machine sleeps. */
export interface Clock {
  /** Milliseconds since the epoch; may jump in either direction. */
  wall(): number
  /** Milliseconds since whenever; never goes back, but may stand still. */
  monotonic(): number
}

/** The clocks of this machine. */
export const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() }
