import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { createFairQueue } from './fair-queue.ts'

/** A queue whose work ends when the test says so. */
function queue(atOnce = 1, maxWaiting = 8) {
  const running: { owner: string; end: () => void }[] = []
  const refused: string[] = []
  const order: string[] = []
  const fair = createFairQueue({ atOnce, maxWaiting, refused: () => new Error('full') })
  const ask = (owner: string) =>
    fair
      .run(owner, () => {
        order.push(owner)
        return new Promise<void>((end) => running.push({ owner, end }))
      })
      .catch(() => void refused.push(owner))
  async function finish(): Promise<void> {
    while (running.length > 0) {
      running.shift()?.end()
      await new Promise((later) => setImmediate(later))
    }
  }
  return { ask, finish, refused, order }
}

it('owners take turns, however much one of them wants', async () => {
  const { ask, finish, order } = queue()
  const all = [...Array.from({ length: 6 }, () => ask('flood')), ask('ann'), ask('bob')]
  await finish()
  await Promise.all(all)
  expect(order.slice(0, 4)).toEqual(['flood', 'flood', 'ann', 'bob'])
})

it('no owner fills it for the others: the one with the most waiting items loses one', async () => {
  const { ask, finish, refused, order } = queue()
  const flood = Array.from({ length: 100 }, () => ask('flood'))
  const others = ['ann', 'bob', 'cid'].map(ask)
  await finish()
  await Promise.all([...flood, ...others])
  expect(new Set(refused)).toEqual(new Set(['flood']))
  for (const name of ['ann', 'bob', 'cid']) expect(order).toContain(name)
})

it('runs or rejects every item, keeps its bounds and rejects no owner with fewer waiting items than another', async () => {
  const asked = fc.array(fc.constantFrom('a', 'b', 'c', 'd', 'flood', 'flood', 'flood'), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(asked, fc.integer({ min: 1, max: 3 }), async (owners, atOnce) => {
      const { ask, finish, refused, order } = queue(atOnce)
      const all = owners.map(ask)
      await finish()
      await Promise.all(all)
      expect(order.length + refused.length).toBe(owners.length)
      expect(order.length).toBe(Math.min(owners.length, atOnce + 8))
      const served = (owner: string) => order.filter((each) => each === owner).length
      // What was in hand before anybody else came is not taken back; of what waited, nobody had two more.
      for (const owner of new Set(refused))
        for (const other of new Set(owners)) expect(served(other) - served(owner)).toBeLessThanOrEqual(atOnce + 1)
    }),
    { numRuns: rounds({ quick: 50, long: 1_000 }) },
  )
})
