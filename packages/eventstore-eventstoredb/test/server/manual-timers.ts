import type { Timers } from '../../src/testing/timers.ts'

/** Time that passes when a test says so. */
export interface ManualTimers extends Timers {
  advance(ms: number): void
}

export function manualTimers(): ManualTimers {
  let now = 0
  let pending: { readonly at: number; readonly work: () => void }[] = []
  return {
    after(ms, work) {
      if (ms <= 0) {
        work()
        return () => undefined
      }
      const timer = { at: now + ms, work }
      pending.push(timer)
      return () => void (pending = pending.filter((each) => each !== timer))
    },
    clear: () => void (pending = []),
    advance(ms) {
      const until = now + ms
      for (;;) {
        const due = pending.filter(({ at }) => at <= until).toSorted((left, right) => left.at - right.at)[0]
        if (due === undefined) break
        pending = pending.filter((each) => each !== due)
        now = due.at
        due.work()
      }
      now = until
    },
  }
}
