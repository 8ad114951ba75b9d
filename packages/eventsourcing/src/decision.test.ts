import { describe, expect, test } from 'vitest'
import {
  runOutsideDecision,
  appendIdempotently,
  runDecision,
  type Decision,
  decisionUnderWay,
  isDeciding,
  decisionRun,
  Unavailable,
  UnknownOutcome,
} from './index.ts'

/** A store whose reads are proved, or not, in this order. */
function storeWith(proofs: boolean[]) {
  const asked: number[] = []
  return {
    asked,
    read(): number {
      asked.push(decisionRun())
      const holds = proofs.shift() ?? true
      const decision = decisionUnderWay()
      decision?.dependsOn(async () => holds)
      return asked.length
    },
  }
}

const underWay = (): Decision => {
  const decision = decisionUnderWay()
  if (decision === undefined) throw new Error('no decision is running')
  return decision
}

/** An append with this outcome. */
const appending = (outcome: Error | 'written') =>
  appendIdempotently(
    {
      append: async () => {
        if (outcome !== 'written') throw outcome
        return { revision: 0n, position: '1' as never }
      },
    },
    'stream-1',
    [],
    { expected: 'any', attempts: 1 },
  )

describe('a decision', () => {
  test('restarts until its reads are proved, and then returns its result', async () => {
    const store = storeWith([false, false, true])
    expect(await runDecision(async () => store.read())).toBe(3)
    expect(store.asked).toEqual([0, 1, 2])
  })

  test('restarts when one of its proofs does not hold', async () => {
    const store = storeWith([true, false, true])
    const sum = await runDecision(async () => store.read() + store.read())
    expect(sum).toBe(3 + 4)
  })

  test('that refuses is refused only once its reads are proved', async () => {
    const store = storeWith([false, true])
    const refused = runDecision(async () => {
      if (store.read() === 1) throw new Error('by an outdated read')
      throw new Error('by a current read')
    })
    await expect(refused).rejects.toThrow('by a current read')
  })

  test('fails at once when the store is unavailable, and after several runs when no proof holds', async () => {
    const store = storeWith(Array.from({ length: 100 }, () => false))
    const down = runDecision(async () => {
      store.read()
      throw new Unavailable('the store does not answer')
    })
    await expect(down).rejects.toThrow('the store does not answer')
    expect(store.asked.length).toBe(1)
    await expect(runDecision(async () => store.read())).rejects.toThrow(Unavailable)
    expect(store.asked.length).toBeLessThan(20)
  })

  test('restarts when a store requires it, even if the work catches the error', async () => {
    let runs = 0
    const result = await runDecision(async () => {
      runs += 1
      if (runs < 3)
        try {
          underWay().restart()
        } catch {
          return 'hidden'
        }
      return 'told'
    })
    expect([result, runs]).toEqual(['told', 3])
  })

  test('inside another one is a part of it: the outer one restarts', async () => {
    const store = storeWith([true, false, true, true])
    const outer: number[] = []
    await runDecision(async () => {
      outer.push(store.read())
      await runDecision(async () => store.read())
    })
    expect(outer).toEqual([1, 3])
  })

  test('inside another whose work throws before it returns a promise rejects', async () => {
    await runDecision(async () => {
      const nested = runDecision(() => {
        throw new Error('refused')
      })
      await expect(nested).rejects.toThrow('refused')
    })
  })
})

describe('an append of a decision', () => {
  test('prevents a restart, whatever was read beside it; later reads are independent', async () => {
    const store = storeWith([true, false, true])
    let appended = 0
    const result = await runDecision(async () => {
      store.read()
      await appending('written')
      appended += 1
      expect(decisionUnderWay()).toBeUndefined()
      expect(isDeciding()).toBe(true)
      return runDecision(async () => store.read())
    })
    expect([result, appended]).toEqual([3, 1])
  })

  test('with an unknown outcome prevents a restart, and is reported as unknown', async () => {
    let runs = 0
    const decision = runDecision(async () => {
      runs += 1
      underWay().dependsOn(async () => false)
      await appending(new UnknownOutcome('no answer'))
    })
    await expect(decision).rejects.toThrow(UnknownOutcome)
    expect(runs).toBe(1)
  })

  test('is awaited before a restart, because it may still be written', async () => {
    const { promise: late, resolve } = Promise.withResolvers<void>()
    let runs = 0
    const decision = runDecision(async () => {
      runs += 1
      const write = underWay().writes(late)
      write.catch(() => undefined)
      setTimeout(resolve, 1)
      underWay().restart()
    })
    await expect(decision).rejects.toThrow(UnknownOutcome)
    expect(runs).toBe(1)
  })
})

describe('work outside of a decision', () => {
  test('is not a part of it', async () => {
    await runDecision(async () => {
      expect(isDeciding()).toBe(true)
      await runOutsideDecision(async () => {
        await Promise.resolve()
        expect([isDeciding(), decisionUnderWay()]).toEqual([false, undefined])
      })
    })
  })

  test('that continues after the decision is not a part of it either', async () => {
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const background = await runDecision(async () => [over.then(() => [isDeciding(), decisionUnderWay()])])
    resolve()
    expect(await background[0]).toEqual([false, undefined])
  })
})
