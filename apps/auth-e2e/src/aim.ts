/** Finds the middle of something whose length depends on the machine, by hitting it again and again. */
export interface Aim {
  /** Milliseconds to wait this time. */
  afterMs(): number
  /** The last one came too early, or too late. */
  wasEarly(isEarly: boolean): void
}

/** @param firstMs a guess at the longest wait. */
export function aim(random: () => number, firstMs: number): Aim {
  let withinMs = firstMs
  return {
    afterMs: () => random() * withinMs,
    wasEarly(isEarly) {
      withinMs = Math.max(1, withinMs * (isEarly ? 1.25 : 0.8))
    },
  }
}
