import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createHandClock } from '../testing/parts.ts'
import { createBudgets } from './budgets.ts'

function world(remembered = 100) {
  const clock = createHandClock()
  return { clock, budget: createBudgets({ amount: 5, period: 100, remembered, nowMs: clock.nowMs }) }
}

const takes = (budget: ReturnType<typeof world>['budget'], name: string, times: number) =>
  Array.from({ length: times }, () => budget.take(name)).filter(Boolean).length

it('gives so much, and as much again in each period', () => {
  const { clock, budget } = world()
  expect(takes(budget, 'ann', 10)).toBe(5)
  expect(budget.wait('ann')).toBe(20)
  clock.advance(20)
  expect(takes(budget, 'ann', 10)).toBe(1)
  clock.advance(1000)
  expect(takes(budget, 'ann', 10)).toBe(5)
})

it('keeps what is spent through a flood of other names, and keeps no more names than it may', () => {
  const { budget } = world()
  takes(budget, 'ann', 5)
  for (let name = 0; name < 10_000; name += 1) budget.take(`made-up-${name}`)
  expect(budget.size).toBeLessThanOrEqual(100)
  expect(budget.take('ann')).toBe(false)
})

it('delays no one longer than a period when the clock was set back', () => {
  const { clock, budget } = world()
  takes(budget, 'ann', 5)
  clock.advance(-1_000_000)
  expect(budget.wait('ann')).toBeLessThanOrEqual(100)
  clock.advance(20)
  expect(budget.wait('ann')).toBeLessThanOrEqual(100)
})

it('never gives more than its amount and what came back, whatever is asked, given back and resumed', () => {
  const step = fc.record({ wait: fc.nat(30), take: fc.nat(8) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { clock, budget } = world()
      let [taken, passed] = [0, 0]
      for (const { wait, take } of steps) {
        clock.advance(wait)
        passed += wait
        taken += takes(budget, 'ann', take)
        expect(taken).toBeLessThanOrEqual(5 + (passed * 5) / 100)
      }
    }),
  )
})

it('takes up what was spent before', () => {
  const { clock, budget } = world()
  budget.resume('ann', 5, clock.nowMs() - 40_000)
  expect(takes(budget, 'ann', 10)).toBe(2)
})
