import type { Caller } from './caller.ts'
import type { Connection } from './connection.ts'
import type { Tally } from './tally.ts'

export interface Line {
  readonly connection: Connection
  readonly caller: Caller
}

/**
 * Sends at a fixed rate whatever the server does. A request that finds every line busy waits for one, and its
 * latency counts from when it was due, so a stall is seen by every request that should have been sent meanwhile.
 */
export async function openLoop(lines: readonly Line[], ratePerSecond: number, tally: Tally): Promise<void> {
  const free = [...lines]
  const due: number[] = []
  const underWay = new Set<Promise<void>>()
  const send = (): void => {
    while (free.length > 0 && due.length > 0) {
      const [line, dueMs] = [free.pop(), due.shift()]
      if (line === undefined || dueMs === undefined) return
      const done = exchange(line, dueMs, tally).finally(() => {
        underWay.delete(done)
        free.push(line)
        send()
      })
      underWay.add(done)
    }
  }
  for (let next = performance.now(); !tally.isOver(next); next += 1000 / ratePerSecond) {
    await until(next)
    due.push(next)
    send()
  }
  while (underWay.size > 0) await Promise.all(underWay)
}

const until = (timeMs: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, Math.max(0, timeMs - performance.now())))

function exchange({ connection, caller }: Line, dueMs: number, tally: Tally): Promise<void> {
  return new Promise((resolve) =>
    connection.exchange(caller.next(), (outcome) => {
      tally.record(outcome, dueMs, performance.now())
      caller.heard(outcome)
      resolve()
    }),
  )
}
