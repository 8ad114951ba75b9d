import type { Bench } from '../bench.ts'
import { longLog } from '../ledgate/long-log.ts'
import { replayLog, type Replay, type Replayed } from '../replay.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'
import { median } from '../statistics.ts'

/** How fast history can be read again, in a process of its own over a stopped server's data. */
export const replay: Scenario = {
  name: 'replay',
  title: 'events per second: decoding the log alone, and rebuilding every view from it',
  async run(bench) {
    const { data } = await longLog(bench)
    return [
      await rowOf(bench, { what: 'decode', data, least: 100_000 }),
      await rowOf(bench, { what: 'rebuild', data, least: 30_000 }),
    ]
  },
}

type Wanted = Omit<Replay, 'scratch'> & { readonly least: number }

async function rowOf({ options, newFolder }: Bench, { what, data, least }: Wanted): Promise<Row> {
  const replays: Replayed[] = []
  for (let round = 0; round < options.replays; round += 1) {
    replays.push(await replayLog({ what, data, scratch: await newFolder(what) }))
  }
  const rounds = replays.map(({ events, elapsedMs }) => (events * 1000) / elapsedMs)
  const value = median(rounds)
  const aims = [{ text: `at least ${least.toLocaleString('en-US')}`, isReached: value >= least }]
  const note = `${replays[0]?.events.toLocaleString('en-US')} events`
  return { scenario: 'replay', what, value, unit: 'events/s', rounds, aims, note }
}
