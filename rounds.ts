/** How often a random walk, a race, a kill or a soak is tried, or how long it lasts: one figure for each pace of the suite. */
export interface Rounds {
  /** `npm test`: proves the promise once, in a second or a few. */
  readonly quick: number
  /** `npm run test:long`: many, in a minute or a few. */
  readonly long: number
  /** `npm run soak`: as many as somebody has time for; as `long` unless told. */
  readonly soak?: number
}

/** The pace of this run: `SOAK=on` and `LONG=on` are set by the npm scripts. */
export const pace: keyof Rounds =
  process.env['SOAK'] === 'on' ? 'soak' : process.env['LONG'] === 'on' ? 'long' : 'quick'

/**
 * The number of rounds at the pace of this run. A test file that asks for it is run again by `npm run test:long`.
 *
 * @example fc.assert(property, { numRuns: rounds({ quick: 50, long: 2_000 }) })
 */
export function rounds({ quick, long, soak = long }: Rounds): number {
  return { quick, long, soak }[pace]
}

/**
 * Defines controls: tests that break a guard and see another test of the file find it out. They say nothing of the product,
 * so `npm test` leaves them to the long run.
 */
export function controls(define: () => void): void {
  if (pace !== 'quick') define()
}
