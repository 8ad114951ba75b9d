import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import type { Bench } from '../bench.ts'
import { longLog } from '../ledgate/long-log.ts'
import { services } from '../ledgate/requests.ts'
import { startLedgate } from '../ledgate/start.ts'
import type { Measure } from '../load/job.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'

const ENTRY = fileURLToPath(new URL('../../../../apps/auth/src/ledgate.ts', import.meta.url))
/** Tokens per second: a server that has room, as one that is backed up by day should have. */
const RATE = 500
const CONNECTIONS = 32
/** Longer than any backup takes. */
const LONGEST_MS = 600_000

/** The token endpoint without and with a backup beside it, in turn. Each request is timed from when it was due. */
export const backup: Scenario = {
  name: 'backup',
  title: `the command line's backup of a long log while ${RATE} tokens are asked for each second`,
  async run(bench) {
    const { folder, data, bootstrap, tokens } = await longLog(bench)
    await using server = await startLedgate({ entry: bench.options.server, folder, bootstrap })
    const workload = services(server.port, bootstrap)
    const calm = (): Promise<Measure> =>
      bench.generator.run({
        ...{ port: server.port, connections: CONNECTIONS, ratePerSecond: RATE, workload },
        ...{ warmupMs: bench.options.warmupMs, durationMs: bench.options.sliceMs },
      })
    const [alone, beside, seconds] = [[] as Measure[], [] as Measure[], [] as number[]]
    for (let round = 0; round < bench.options.rounds; round += 1) {
      alone.push(await calm())
      const began = performance.now()
      const running = backUp(bench, data).then(() => (performance.now() - began) / 1000)
      let isOver = false
      void running.finally(() => (isOver = true)).catch(() => undefined)
      while (!isOver && performance.now() - began < LONGEST_MS) beside.push(await calm())
      seconds.push(await running)
    }
    return rowsOf({ alone, beside, seconds, tokens })
  },
}

async function backUp(bench: Bench, data: string): Promise<void> {
  const folder = join(await bench.newFolder('backup'), 'copy')
  const environment = { ...process.env, LEDGATE_DATA_DIR: data, LEDGATE_LOG_LEVEL: 'silent' }
  await promisify(execFile)(process.execPath, ['--conditions=@ledgate/source', ENTRY, 'backup', folder], {
    env: environment,
  })
  await rm(folder, { recursive: true, force: true })
}

interface Found {
  readonly alone: readonly Measure[]
  readonly beside: readonly Measure[]
  readonly seconds: readonly number[]
  readonly tokens: number
}

function rowsOf({ alone, beside, seconds, tokens }: Found): readonly Row[] {
  const p99 = (measures: readonly Measure[]) => median(measures.map((measure) => measure.p99))
  const line = { scenario: 'backup', inFlight: CONNECTIONS, unit: 'tokens/s' }
  const rowOf = (what: string, measures: readonly Measure[]): Row => ({
    ...line,
    what,
    value: median(measures.map(({ perSecond }) => perSecond)),
    p50: median(measures.map(({ p50 }) => p50)),
    p99: p99(measures),
  })
  const ratio = p99(beside) / p99(alone)
  return [
    {
      ...rowOf('client credentials beside a backup', beside),
      beside: [{ peer: 'without one (p99)', ratio }],
      aims: [{ text: 'p99 at most doubled', isReached: ratio <= 2 }],
      note: `${tokens.toLocaleString('en-US')} events in ${median(seconds).toFixed(1)} s`,
    },
    rowOf('without one', alone),
  ]
}
