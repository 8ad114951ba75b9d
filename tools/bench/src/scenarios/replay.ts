import { longLog } from '../ledgate/long-log.ts'
import { median } from '../statistics.ts'
import { startChild } from '../process/child.ts'
import { isReplayed, type Replay } from '../replay.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const AIMS = { decode: 100_000, rebuild: 30_000 }

/** How fast history can be read again, in a process of its own over a stopped server's data. */
export const replay: Scenario = {
  name: 'replay',
  title: 'events per second: decoding the log alone, and rebuilding every view from it',
  async run(bench) {
    const { data } = await longLog(bench)
    const rows: Row[] = []
    for (const what of ['decode', 'rebuild'] as const) {
      const rounds: number[] = []
      let events = 0
      for (let round = 0; round < Math.min(2, bench.options.rounds); round += 1) {
        await using child = await startChild({ name: what, entry: new URL('../replay-main.ts', import.meta.url) })
        const order: Replay = { kind: 'replay', what, data, scratch: await bench.newFolder(what) }
        const replayed = await child.ask(order, isReplayed)
        rounds.push((replayed.events * 1000) / replayed.elapsedMs)
        events = replayed.events
      }
      const value = median(rounds)
      const aim = { text: `at least ${AIMS[what].toLocaleString('en-US')}`, isReached: value >= AIMS[what] }
      const note = `${events.toLocaleString('en-US')} events`
      rows.push({ scenario: 'replay', what, value, unit: 'events/s', rounds, aims: [aim], note })
    }
    return rows
  },
}
