/** A large topic is read through less often: that takes a fortieth of the time, until it comes to ten minutes. */
const PART = 1 / 40
const LONGEST_MS = 600_000

/**
 * Milliseconds until a topic is read through again, after it took so many: whoever begins to read meanwhile, and comes to what
 * was damaged, waits for that.
 *
 * @param soonestMs for a topic that is read in no time.
 */
export const readThroughPause = (tookMs: number, soonestMs: number): number =>
  Math.max(soonestMs, Math.min(tookMs / PART, LONGEST_MS))
