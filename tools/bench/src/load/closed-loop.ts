import type { Caller } from './caller.ts'
import type { Connection } from './connection.ts'
import type { Tally } from './tally.ts'

/** Keeps one request in flight until the tally is over; resolves when the last answer is in. */
export function closedLoop(connection: Connection, caller: Caller, tally: Tally): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const send = (): void => {
    const started = performance.now()
    if (tally.isOver(started)) return resolve()
    connection.exchange(caller.next(), (outcome) => {
      tally.record(outcome, started, performance.now())
      caller.heard(outcome)
      send()
    })
  }
  send()
  return promise
}
