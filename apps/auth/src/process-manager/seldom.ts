const SAY_EVERY_MS = 60_000

/** Tells of what fails again and again: at first, and once a minute. */
export function seldom<Said>(nowMs: () => number, tell: (said: Said) => void): (said: Said) => void {
  let saidAt = Number.NEGATIVE_INFINITY
  return (said) => {
    if (nowMs() - saidAt < SAY_EVERY_MS) return
    saidAt = nowMs()
    tell(said)
  }
}
