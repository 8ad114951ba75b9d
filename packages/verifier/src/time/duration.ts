/** The longest time that a timer takes; beyond that, it fires at once. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1

/** Requires a duration that a timer takes. @throws {TypeError} for any other: the timer would fire at once, again and again. */
export function timerMs(value: number, what: string, least = 1): number {
  if (!(value >= least && value <= LONGEST_TIMER_MS))
    throw new TypeError(`${what} must be from ${least} to ${LONGEST_TIMER_MS} milliseconds`)
  return value
}

/** Requires a finite duration to compare with. @throws {TypeError} for any other. */
export function finiteMs(value: number, what: string): number {
  if (!(value >= 0 && Number.isFinite(value))) throw new TypeError(`${what} must be a number of milliseconds`)
  return value
}
