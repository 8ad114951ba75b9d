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

/** A store whose reads are proved or not, as they come. */
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
  if (decision === undefined) throw new Error('nothing is decided')
  return decision
}

/** An append that ends as it is told. */
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
  test('is given when what it was decided by is proved, and made again until then', async () => {
    const store = storeWith([false, false, true])
    expect(await runDecision(async () => store.read())).toBe(3)
    expect(store.asked).toEqual([0, 1, 2])
  })

  test('needs every proof: one that does not hold is enough for another time', async () => {
    const store = storeWith([true, false, true])
    const sum = await runDecision(async () => store.read() + store.read())
    expect(sum).toBe(3 + 4)
  })

  test('that refuses is no refusal before it is proved', async () => {
    const store = storeWith([false, true])
    const refused = runDecision(async () => {
      if (store.read() === 1) throw new Error('by what was not so any more')
      throw new Error('by what is so')
    })
    await expect(refused).rejects.toThrow('by what is so')
  })

  test('that cannot be made says so at once, and one that never holds in the end', async () => {
    const store = storeWith(Array.from({ length: 100 }, () => false))
    const down = runDecision(async () => {
      store.read()
      throw new Unavailable('nobody answers')
    })
    await expect(down).rejects.toThrow('nobody answers')
    expect(store.asked.length).toBe(1)
    await expect(runDecision(async () => store.read())).rejects.toThrow(Unavailable)
    expect(store.asked.length).toBeLessThan(20)
  })

  test('is made again when a store asks for it, also where the error is caught on the way', async () => {
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

  test('is a part of the one that it is in: that one is made again', async () => {
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

describe('what a decision appended', () => {
  test('is not decided again, whatever was read beside it; what follows stands for itself', async () => {
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

  test('is not decided again when its outcome is unknown, and that is what is told', async () => {
    let runs = 0
    const decision = runDecision(async () => {
      runs += 1
      underWay().dependsOn(async () => false)
      await appending(new UnknownOutcome('no answer'))
    })
    await expect(decision).rejects.toThrow(UnknownOutcome)
    expect(runs).toBe(1)
  })

  test('is waited for before anything is decided again: another append may be written yet', async () => {
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

describe('work beside a decision', () => {
  test('is no part of it', async () => {
    await runDecision(async () => {
      expect(isDeciding()).toBe(true)
      await runOutsideDecision(async () => {
        await Promise.resolve()
        expect([isDeciding(), decisionUnderWay()]).toEqual([false, undefined])
      })
    })
  })

  test('that goes on when it is over is no part of it either', async () => {
    const { promise: over, resolve } = Promise.withResolvers<void>()
    const background = await runDecision(async () => [over.then(() => [isDeciding(), decisionUnderWay()])])
    resolve()
    expect(await background[0]).toEqual([false, undefined])
  })
})
