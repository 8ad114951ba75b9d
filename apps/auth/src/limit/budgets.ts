/** So much in such a time, for each of many names; what is spent comes back steadily. */
export interface Budgets {
  /** Takes one; `false` when there is none, and then nothing is taken. */
  take(name: string): boolean
  /** Gives one back that was taken for nothing. */
  giveBack(name: string): void
  /** Seconds until there is one again; 0 when there is one. */
  wait(name: string): number
  /** Takes up what was spent before: `spent` at a time, in milliseconds of the same clock. */
  resume(name: string, spent: number, atMs: number): void
  readonly size: number
}

export interface BudgetsOptions {
  readonly amount: number
  /** Seconds in which the whole amount comes back. */
  readonly period: number
  /** Names that are remembered. */
  readonly remembered: number
  readonly nowMs: () => number
}

/** Names that are looked at when one has to leave. */
const LOOKED_AT = 8

/**
 * Budgets in memory. Of each name only one time is kept: when its budget will be whole again. When there are too many names,
 * the one leaves, of the oldest few, that is the nearest to being whole: a flood of made-up names, each of which spent a
 * little, does not push out the one that spent all, and nothing in that asks which of the names anybody has.
 */
export function createBudgets({ amount, period, remembered, nowMs }: BudgetsOptions): Budgets {
  const each = (period * 1000) / amount
  const wholeAt = new Map<string, number>()

  /** A clock that was put back makes no one wait for longer than a period. */
  const debt = (name: string) => Math.min(period * 1000, Math.max(0, (wholeAt.get(name) ?? 0) - nowMs()))

  function makeRoom(): void {
    const now = nowMs()
    let least: readonly [name: string, at: number] | undefined
    for (const [name, at] of [...firstOf(wholeAt, LOOKED_AT)]) {
      wholeAt.delete(name)
      if (at <= now) continue
      wholeAt.set(name, at)
      if (least === undefined || at < least[1]) least = [name, at]
    }
    if (least !== undefined && wholeAt.size >= remembered) wholeAt.delete(least[0])
  }

  function owe(name: string, ms: number): void {
    if (ms <= 0) return void wholeAt.delete(name)
    if (!wholeAt.has(name) && wholeAt.size >= remembered) makeRoom()
    wholeAt.set(name, nowMs() + ms)
  }

  const isSpent = (name: string) => debt(name) + each > period * 1000 + 1

  return {
    take(name) {
      if (isSpent(name)) return false
      owe(name, debt(name) + each)
      return true
    },
    giveBack: (name) => owe(name, debt(name) - each),
    wait: (name) => (isSpent(name) ? Math.max(1, Math.ceil((debt(name) + each - period * 1000) / 1000)) : 0),
    resume(name, spent, atMs) {
      const left = Math.min(period * 1000, spent * each) - Math.max(0, nowMs() - atMs)
      if (left > debt(name)) owe(name, left)
    },
    get size() {
      return wholeAt.size
    },
  }
}

function* firstOf<Item>(items: Iterable<Item>, count: number): Generator<Item, void> {
  let left = count
  for (const item of items) {
    if (left-- === 0) return
    yield item
  }
}
