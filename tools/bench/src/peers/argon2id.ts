/**
 * Peer: argon2id alone (m=19456, t=2, p=1), verified as a sign-in does, with as many threads as there are cores
 * (the parent sets UV_THREADPOOL_SIZE). No HTTP, no client, no event: the limit of any password sign-in.
 */
import { hash, verify } from '@node-rs/argon2'
import { histogram } from '../load/histogram.ts'
import type { Measure } from '../load/job.ts'
import { isHashing, type Hashing } from './hashing.ts'

const PASSWORD = 'a password of an ordinary length'
const hashed = await hash(PASSWORD, { memoryCost: 19_456, timeCost: 2, parallelism: 1 })

async function run({ inFlight, durationMs }: Hashing): Promise<Measure> {
  const latencies = histogram()
  const until = performance.now() + durationMs
  const loop = async (): Promise<void> => {
    for (let started = performance.now(); started < until; started = performance.now()) {
      await verify(hashed, PASSWORD)
      if (performance.now() < until) latencies.add(performance.now() - started)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)]
  const perSecond = (latencies.count * 1000) / durationMs
  return { kind: 'measure', completed: latencies.count, elapsedMs: durationMs, perSecond, p50, p99, errors: {} }
}

process.once('disconnect', () => process.exit())
process.on('message', async (message: unknown) => {
  if (isHashing(message)) process.send?.(await run(message))
})
process.send?.({ kind: 'ready' })
