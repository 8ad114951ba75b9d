/** The longest that a timer can be set to; beyond, it goes off at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** A duration that a timer can be set to. @throws {TypeError} for any other: it would go off at once, again and again. */
export function timerMs(value: number, what: string, least = 1): number {
  if (!(value >= least && value <= LONGEST_TIMER_MS))
    throw new TypeError(`${what} must be from ${least} to ${LONGEST_TIMER_MS} milliseconds`)
  return value
}

/** A duration that something is compared with. @throws {TypeError} for none, and for one without end. */
export function finiteMs(value: number, what: string): number {
  if (!(value >= 0 && Number.isFinite(value))) throw new TypeError(`${what} must be a number of milliseconds`)
  return value
}
