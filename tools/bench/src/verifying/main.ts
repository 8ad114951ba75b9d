/** Verifies tokens as the parent orders, one party alone in this process. Argument: the assignment, as JSON. */
import { readFile } from 'node:fs/promises'
import { setImmediate as turn } from 'node:timers/promises'
import { histogram } from '../load/histogram.ts'
import type { Measure } from '../load/job.ts'
import { subjects } from './subjects.ts'
import type { Issued } from './tokens.ts'
import { type Assignment, isVerifying } from './verifying.ts'

/** Tokens that are presented again and again. */
const AGAIN = 1_000
/** Tokens between two looks at the clock, after which the event loop gets its turn as between requests. */
const STRETCH = { seen: 1_000, new: 50 }

const { party, isSeen, file } = JSON.parse(process.argv[2] ?? '') as Assignment
const { tokens, ...issued } = JSON.parse(await readFile(file, 'utf8')) as Issued
const check = await subjects[party]({ ...issued, isSeen })
/** As bytes: a token comes over the network, so each time it is a new string whose hash no one knows yet. */
const presented = tokens.slice(0, isSeen ? AGAIN : undefined).map((token) => Buffer.from(token, 'latin1'))
let next = 0

function nextToken(): string {
  if (isSeen && next === presented.length) next = 0
  const bytes = presented[next]
  if (bytes === undefined) throw new Error('no token is left that was not presented yet')
  next += 1
  return bytes.toString('latin1')
}

/**
 * One after the other. The rate is of a second of processor time, that of all threads: what one core does, whatever else the
 * machine does, which gives more of its time to a process that often sleeps than to one that never does.
 */
async function verify(count: number): Promise<Measure> {
  const stretch = isSeen ? STRETCH.seen : STRETCH.new
  const latencies = histogram()
  const [began, processor] = [performance.now(), process.cpuUsage()]
  let completed = 0
  while (completed < count) {
    const since = performance.now()
    for (let n = 0; n < stretch; n += 1) {
      const checked = check(nextToken())
      if (checked instanceof Promise) await checked
    }
    completed += stretch
    latencies.add((performance.now() - since) / stretch)
    await turn()
  }
  const elapsedMs = performance.now() - began
  const { user, system } = process.cpuUsage(processor)
  const [p50, p99] = [latencies.quantile(0.5), latencies.quantile(0.99)]
  return { kind: 'measure', completed, elapsedMs, perSecond: (completed * 1e6) / (user + system), p50, p99, errors: {} }
}

process.once('disconnect', () => process.exit())
process.on('message', (message: unknown) => {
  if (!isVerifying(message)) return
  verify(message.count).then(
    (measure) => process.send?.(measure),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.send?.({ kind: 'ready' })
