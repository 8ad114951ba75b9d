/** Latencies in milliseconds, counted in buckets 1 % wide from a microsecond to beyond an hour. */
export interface Histogram {
  add(latencyMs: number): void
  /** The latency that `share` (0 to 1) of the requests did not exceed, within 1 %; NaN when nothing was added. */
  quantile(share: number): number
  readonly count: number
}

const SMALLEST_MS = 0.001
const STEP = Math.log(1.01)
const BUCKETS = 2300

export function histogram(): Histogram {
  const buckets = new Uint32Array(BUCKETS)
  let count = 0
  return {
    add(latencyMs) {
      const bucket = Math.floor(Math.log(Math.max(latencyMs, SMALLEST_MS) / SMALLEST_MS) / STEP)
      const index = Math.min(bucket, BUCKETS - 1)
      buckets[index] = (buckets[index] ?? 0) + 1
      count += 1
    },
    quantile(share) {
      if (count === 0) return Number.NaN
      let left = Math.ceil(share * count)
      const bucket = buckets.findIndex((held) => (left -= held) <= 0)
      return SMALLEST_MS * Math.exp((bucket + 0.5) * STEP)
    },
    get count() {
      return count
    },
  }
}
