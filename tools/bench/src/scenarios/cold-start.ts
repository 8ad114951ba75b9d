import type { Bench } from '../bench.ts'
import { longLog } from '../ledgate/long-log.ts'
import { startLedgate, type StartOptions } from '../ledgate/start.ts'
import { settled } from '../process/usage.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'

const LIMIT_MS = 2000

export const coldStart: Scenario = {
  name: 'cold-start',
  title: 'from the start of the process to the first 200 of /readyz',
  async run(bench) {
    const { folder, bootstrap, tokens } = await longLog(bench)
    const compileCache = await bench.newFolder('compiled')
    const empty = async (): Promise<Where> => ({ folder: await bench.newFolder('empty') })
    const first = async (): Promise<Where> => ({ ...(await empty()), compileCache: await bench.newFolder('compiled') })
    const many = `${tokens.toLocaleString('en-US')} events`
    return [
      await startsOf(bench, '0 events, nothing compiled yet', first),
      await startsOf(bench, '0 events', async () => ({ ...(await empty()), compileCache })),
      await startsOf(bench, many, async () => ({ folder, bootstrap, compileCache })),
    ]
  },
}

type Where = Omit<StartOptions, 'entry'>

/** One start is one round. A fresh process each time, but the files are in the system's page cache. */
async function startsOf(bench: Bench, what: string, where: () => Promise<Where>): Promise<Row> {
  const rounds: number[] = []
  const workMs: number[] = []
  for (let start = 0; start < bench.options.coldStarts; start += 1) {
    await using server = await startLedgate({ entry: bench.options.server, ...(await where()) })
    rounds.push(server.readyMs)
    workMs.push(await settled(server.pid, 60_000))
  }
  const value = median(rounds)
  return {
    scenario: 'cold-start',
    what,
    value,
    unit: 'ms',
    rounds,
    aims: [{ text: `ready within ${LIMIT_MS / 1000} s`, isReached: value <= LIMIT_MS }],
    note: `still busy ${median(workMs).toFixed(0)} ms after`,
  }
}
