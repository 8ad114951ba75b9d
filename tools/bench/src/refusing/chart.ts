/** Upper ends of the bars in milliseconds; the last one has none. */
const ENDS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 30, 50, 100, 200, Infinity]
const WIDTH = 50

/** How many latencies, in milliseconds, fell between two ends: a bar a line. */
export function chart(latencies: readonly number[]): string {
  const counts = ENDS.map((end, nth) => latencies.filter((ms) => ms <= end && ms > (ENDS[nth - 1] ?? -1)).length)
  const most = Math.max(...counts, 1)
  return ENDS.map((end, nth) => {
    const count = counts[nth] ?? 0
    const label = Number.isFinite(end) ? `<= ${end}` : 'more'
    return `${label.padStart(8)} ms ${String(count).padStart(6)} ${'#'.repeat(Math.ceil((count / most) * WIDTH))}`
  }).join('\n')
}
