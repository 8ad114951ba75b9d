import { histogram, type Histogram } from '../load/histogram.ts'
import type { Measure } from '../load/job.ts'

/** Asks a writer to append for a while, with this many one-event appends under way (or rows in a transaction). */
export interface Writing {
  readonly kind: 'writing'
  readonly batch: number
  readonly durationMs: number
}

export const isWriting = (message: unknown): message is Writing =>
  typeof message === 'object' && message !== null && 'kind' in message && message.kind === 'writing'

/** Takes orders from the parent, one at a time, and ends with it. */
export function writeForParent(write: (order: Writing) => Promise<Measure>): void {
  process.once('disconnect', () => process.exit())
  process.on('message', (message: unknown) => {
    if (!isWriting(message)) return
    write(message).then(
      (measure) => process.send?.(measure),
      (error: unknown) => {
        console.error(error)
        process.exit(1)
      },
    )
  })
  process.send?.({ kind: 'ready' })
}

/** What a stretch of writing came to. */
export function written(latencies: Histogram, elapsedMs: number): Measure {
  const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)]
  const { count: completed } = latencies
  return { kind: 'measure', completed, elapsedMs, perSecond: (completed * 1000) / elapsedMs, p50, p99, errors: {} }
}

/** Appends one after the other, as many at a time as ordered, until the time is over. */
export async function keepAppending({ batch, durationMs }: Writing, append: () => Promise<void>): Promise<Measure> {
  const latencies = histogram()
  const began = performance.now()
  const one = async (): Promise<void> => {
    for (let now = performance.now(); now < began + durationMs; now = performance.now()) {
      await append()
      latencies.add(performance.now() - now)
    }
  }
  await Promise.all(Array.from({ length: batch }, one))
  return written(latencies, performance.now() - began)
}
