const WINDOW_MS = 5_000

/** Counts events: in total, and per second over the last five seconds. */
export interface Meter {
  add(count: number): void
  total(): number
  perSecond(): number
}

/** @param now milliseconds of a monotonic clock. */
export function createMeter(now: () => number = () => performance.now()): Meter {
  let total = 0
  let slots: { readonly at: number; count: number }[] = []
  const forget = () => {
    const oldest = now() - WINDOW_MS
    if (slots[0] !== undefined && slots[0].at < oldest) slots = slots.filter(({ at }) => at >= oldest)
  }
  return {
    total: () => total,
    add(count) {
      total += count
      const last = slots.at(-1)
      if (last !== undefined && now() - last.at < 250) last.count += count
      else slots.push({ at: now(), count })
      forget()
    },
    perSecond() {
      forget()
      const first = slots[0]
      if (first === undefined) return 0
      const total = slots.reduce((sum, { count }) => sum + count, 0)
      return Math.round((total * 1000) / Math.max(now() - first.at, 1000))
    },
  }
}
