import { caller } from './caller.ts'
import { closedLoop } from './closed-loop.ts'
import { openConnection } from './connection.ts'
import type { Job, Measure } from './job.ts'
import { openLoop, type Line } from './open-loop.ts'
import { tally } from './tally.ts'

/** Does one job in this process and says what it came to. */
export async function runJob(job: Job): Promise<Measure> {
  const connections = Array.from({ length: job.connections }, () => openConnection(job.port))
  try {
    const lines: Line[] = await Promise.all(
      connections.map(async (connection, index) => ({ connection, caller: await caller(job, connection, index) })),
    )
    const counted = tally(job, performance.now())
    if (job.ratePerSecond !== undefined) await openLoop(lines, job.ratePerSecond, counted)
    else await Promise.all(lines.map((line) => closedLoop(line.connection, line.caller, counted)))
    return counted.measure()
  } finally {
    for (const connection of connections) connection.close()
  }
}
