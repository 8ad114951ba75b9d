/** Verifies tokens as the parent orders. Argument: the algorithm. */
import { histogram } from '../load/histogram.ts'
import type { Measure } from '../load/job.ts'
import { aws, type Check, fast, jose, ledgate } from './subjects.ts'
import { type Alg, makeTokens } from './tokens.ts'
import { isVerifying, type Verifying, type Way } from './verifying.ts'

const TOKENS = 1_000
/** Tokens between two looks at the clock. */
const STRETCH = 50

const made = await makeTokens((process.argv[2] ?? 'ES256') as Alg, TOKENS)

const checks: Readonly<Record<Way, Check>> = {
  'ledgate, seen before': await ledgate(made, true),
  'ledgate, not seen before': await ledgate(made, false),
  'jose jwtVerify': jose(made),
  'fast-jwt, seen before': fast(made, true),
  'fast-jwt, not seen before': fast(made, false),
  'aws-jwt-verify': aws(made),
}

/** One after the other: how many a service that does nothing else can check on one core. */
async function verify({ way, durationMs }: Verifying): Promise<Measure> {
  const check = checks[way]
  for (const bytes of made.tokens) await check(bytes.toString('latin1'))
  const latencies = histogram()
  const began = performance.now()
  let completed = 0
  for (let now = began; now < began + durationMs; now = performance.now()) {
    for (let n = 0; n < STRETCH; n += 1) {
      const checked = check(made.tokens[completed % TOKENS]?.toString('latin1') ?? '')
      if (checked instanceof Promise) await checked
      completed += 1
    }
    latencies.add((performance.now() - now) / STRETCH)
  }
  const elapsedMs = performance.now() - began
  const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)]
  return { kind: 'measure', completed, elapsedMs, perSecond: (completed * 1000) / elapsedMs, p50, p99, errors: {} }
}

process.once('disconnect', () => process.exit())
process.on('message', (message: unknown) => {
  if (!isVerifying(message)) return
  verify(message).then(
    (measure) => process.send?.(measure),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send?.({ kind: 'ready' })
