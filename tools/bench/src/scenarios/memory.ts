import { setTimeout as sleep } from 'node:timers/promises'
import { benchBootstrap, type Bench } from '../bench.ts'
import type { Bootstrap } from '../ledgate/bootstrap.ts'
import { passwords, refreshes, services } from '../ledgate/requests.ts'
import type { Ledgate } from '../ledgate/start.ts'
import { errorsOf } from '../load/errors.ts'
import { startGenerator } from '../load/generator.ts'
import type { Measure, Workload } from '../load/job.ts'
import { memoryOf, type Memory } from '../process/usage.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'

const MEBIBYTE = 1024 * 1024

/** Every grant at once, so that anything any of them leaves behind adds up. */
export const memory: Scenario = {
  name: 'memory',
  title: 'resident memory under full load of all grants at once, minute 2 against minute 10',
  async run(bench) {
    const bootstrap = benchBootstrap()
    await using server = await bench.start(bootstrap)
    const loading = Promise.all(mixOf(server.port, bootstrap).map((share) => underShare(bench, server.port, share)))
    const samples = sampled(server, bench.options.memoryMs)
    const [measures, memories] = await Promise.all([loading, samples])
    return rowsOf(bench, measures, memories)
  },
}

interface Share {
  readonly connections: number
  readonly workload: Workload
}

const mixOf = (port: number, bootstrap: Bootstrap): readonly Share[] => [
  { connections: 36, workload: services(port, bootstrap) },
  { connections: 24, workload: refreshes(port, bootstrap) },
  { connections: 4, workload: passwords(port, bootstrap) },
]

async function underShare({ options }: Bench, port: number, share: Share): Promise<Measure> {
  await using generator = await startGenerator()
  return await generator.run({ port, warmupMs: 0, durationMs: options.memoryMs, ...share })
}

/** One sample a second. */
async function sampled({ pid }: Ledgate, durationMs: number): Promise<readonly Memory[]> {
  const samples: Memory[] = []
  for (const until = performance.now() + durationMs; performance.now() < until;) {
    await sleep(1000)
    samples.push(await memoryOf(pid))
  }
  return samples
}

function rowsOf({ options }: Bench, measures: readonly Measure[], samples: readonly Memory[]): readonly Row[] {
  // A quick run is too short for minutes; it compares the same shares of its time and can only hint.
  const early = around(samples, 0.2)
  const late = around(samples, 1)
  const ratio = late.resident / early.resident
  const line = { scenario: 'memory', unit: 'MiB' }
  const minutes = (share: number): string => `after ${((share * options.memoryMs) / 60_000).toFixed(1)} min`
  const row = (what: string, { resident, anonymous }: Memory): Row => ({
    ...line,
    what,
    value: resident / MEBIBYTE,
    note: `${(anonymous / MEBIBYTE).toFixed(0)} MiB of it not mapped from files`,
  })
  const aims = options.quick ? [] : [{ text: 'at most 110 % of minute 2', isReached: ratio <= 1.1 }]
  const perSecond = measures.reduce((sum, measure) => sum + measure.perSecond, 0)
  return [
    { ...row(`resident ${minutes(0.2)}`, early), rounds: samples.map(({ resident }) => resident) },
    { ...row(`resident ${minutes(1)}`, late), beside: [{ peer: minutes(0.2).replace('after ', ''), ratio }], aims },
    { ...line, what: 'load meanwhile', value: perSecond, unit: 'tokens/s', errors: errorsOf(measures), inFlight: 64 },
  ]
}

/** The median of the samples in the tenth of the run that ends at this share of it. */
function around(samples: readonly Memory[], share: number): Memory {
  const end = Math.round(samples.length * share)
  const some = samples.slice(Math.max(0, end - Math.max(3, Math.round(samples.length / 20))), end)
  const middle = (part: keyof Memory): number => median(some.map((sample) => sample[part]))
  return { resident: middle('resident'), anonymous: middle('anonymous') }
}
