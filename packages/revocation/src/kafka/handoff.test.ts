import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Handoff, handoff } from './handoff.ts'

const turns = async (count: number): Promise<void> => {
  for (let nth = 0; nth < count; nth += 1) await turn()
}

/** A handoff that does not let its giver wait. */
function hasty<Item>(): Handoff<Item> {
  const hand = handoff<Item>()
  return { ...hand, give: (item) => (void hand.give(item), Promise.resolve()) }
}

/** A handoff that forgets what was not taken when it ends. */
function forgetful<Item>(): Handoff<Item> {
  const hand = handoff<Item>()
  let isOver = false
  return {
    ...hand,
    take: () => (isOver ? Promise.resolve(undefined) : hand.take()),
    end(error) {
      isOver = true
      hand.end(error)
    },
  }
}

/** Whether, however long each of the two takes, one gets what the other gives, in its order, with one thing between them. */
const handsOn = (made: () => Handoff<number>) => {
  const pauses = fc.array(fc.nat({ max: 3 }), { maxLength: 12 })
  return fc.check(
    fc.asyncProperty(pauses, fc.infiniteStream(fc.nat({ max: 3 })), async (giving, taking) => {
      const hand = made()
      const taken: number[] = []
      let given = 0
      const giver = (async () => {
        for (const [nth, pause] of giving.entries()) {
          await turns(pause)
          given += 1
          const isTaken = hand.give(nth)
          await (nth === giving.length - 1 ? undefined : isTaken)
        }
        hand.end()
      })()
      for (const pause of taking) {
        await turns(pause)
        expect(given - taken.length).toBeLessThanOrEqual(1)
        const item = await hand.take()
        if (item === undefined) break
        taken.push(item)
      }
      await giver
      expect(taken).toEqual([...giving.keys()])
    }),
    { numRuns: 200, endOnFailure: true },
  )
}

describe('what one gives another', () => {
  it('comes in its order, all of it and one at a time, though either is slow and the giver ends with the last', async () => {
    expect(await handsOn(handoff)).toMatchObject({ failed: false })
  })

  it.each([
    ['does not let its giver wait', hasty],
    ['forgets what was not taken when it ends', forgetful],
  ])('control: does not when the handoff %s', async (_, made) => {
    expect(await handsOn(made)).toMatchObject({ failed: true })
  })

  it('comes before the error with which it ended; the first end counts', async () => {
    const hand = handoff<string>()
    const given = hand.give('a')
    hand.end(new Error('first'))
    hand.end(new Error('second'))
    await given
    expect(await hand.take()).toBe('a')
    await expect(hand.take()).rejects.toThrow('first')
    await expect(hand.take()).rejects.toThrow('first')
  })

  it('is not waited for when nobody takes it any more', async () => {
    const hand = handoff<string>()
    hand.end()
    await hand.give('a')
    expect(await hand.take()).toBeUndefined()
  })

  it('wakes whoever waits for it, and so does the end', async () => {
    const hand = handoff<string>()
    const first = hand.take()
    await turn()
    void hand.give('a')
    expect(await first).toBe('a')
    const second = hand.take()
    await turn()
    hand.end()
    expect(await second).toBeUndefined()
  })
})
