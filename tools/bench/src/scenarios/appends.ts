import type { Bench } from '../bench.ts'
import type { Writing } from '../appends/writing.ts'
import { interleaved, ratioOf, rowOf, type Subject } from '../interleave.ts'
import { isMeasure } from '../load/job.ts'
import { startChild, type Child } from '../process/child.ts'
import type { Row } from '../report/row.ts'
import type { Scenario } from '../scenario.ts'

const BATCHES = [1, 3, 8, 64, 256] as const
const LIMIT = 'raw SQLite group commit'

export const appends: Scenario = {
  name: 'appends',
  title: 'durable appends per second of the embedded store beside raw SQLite transactions of as many rows',
  async run(bench) {
    await using store = await writer(bench, 'store')
    await using raw = await writer(bench, 'raw-sqlite')
    const rows: Row[] = []
    for (const batch of BATCHES) {
      const subjects = [
        writing(bench, { name: 'event store', child: store, batch }),
        writing(bench, { name: LIMIT, child: raw, batch }),
      ]
      const [ours, limit] = await interleaved(subjects, bench.options.rounds)
      if (ours === undefined || limit === undefined) continue
      const line = { scenario: 'appends', unit: 'events/s', inFlight: batch }
      rows.push(rowOf(ours, { ...line, beside: [{ peer: LIMIT, ratio: ratioOf(ours, limit) }] }), rowOf(limit, line))
    }
    return rows
  },
}

async function writer(bench: Bench, file: 'store' | 'raw-sqlite'): Promise<Child> {
  const entry = new URL(`../appends/${file}.ts`, import.meta.url)
  return startChild({ name: file, entry, args: [await bench.newFolder(file)] })
}

function writing({ options }: Bench, subject: { name: string; child: Child; batch: number }): Subject {
  const { name, child, batch } = subject
  const order: Writing = { kind: 'writing', batch, durationMs: options.appendSliceMs }
  return { name, pid: child.pid, run: () => child.ask(order, isMeasure) }
}
