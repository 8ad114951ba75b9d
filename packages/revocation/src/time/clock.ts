/** Two clocks, since each fails in another way: the wall clock can be set, and the monotonic one stops while the machine sleeps. */
export interface Clock {
  /** Milliseconds since the epoch; may jump in either direction. */
  wall(): number
  /** Milliseconds since an arbitrary moment; never goes back, but may stand still. */
  monotonic(): number
}

/** The clocks of this machine. */
export const systemClock: Clock = { wall: () => Date.now(), monotonic: () => performance.now() }
