import { setImmediate as turn } from 'node:timers/promises'
import {
  eventId,
  MAX_EVENTS_PER_APPEND,
  type NewEvent,
  TooLarge,
  Unavailable,
  UnknownOutcome,
} from '@ledgate/eventsourcing'
import { nthPosition } from '@ledgate/eventsourcing/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { coalesceAppends } from './coalesce-appends.ts'

const event = (n: number): NewEvent => ({ id: eventId('together', n), type: 'TokenIssued', data: { n }, metadata: {} })

const positionAfter = nthPosition

type Outcome = 'written' | 'unavailable' | 'unknown'

/** A store that takes its time, refuses what is too long, and fails as it is told. */
function slowStore(outcomes: readonly Outcome[], longest = MAX_EVENTS_PER_APPEND) {
  const written: string[] = []
  const appends: number[] = []
  const underWay = new Map<string, number>()
  let mostAtOnce = 0
  return {
    written,
    appends,
    mostAtOnce: () => mostAtOnce,
    async write(stream: string, events: readonly NewEvent[]) {
      underWay.set(stream, (underWay.get(stream) ?? 0) + 1)
      mostAtOnce = Math.max(mostAtOnce, underWay.get(stream) ?? 0)
      const outcome = outcomes[appends.length % outcomes.length] ?? 'written'
      appends.push(events.length)
      await turn()
      await turn()
      underWay.set(stream, (underWay.get(stream) ?? 1) - 1)
      if (outcome === 'unavailable') throw new Unavailable('not now')
      if (events.length > longest) throw new TooLarge('too long')
      written.push(...events.map(({ id }) => id))
      if (outcome === 'unknown') throw new UnknownOutcome('no answer')
      return { position: positionAfter(written.length) }
    },
  }
}

const arrivals = fc.array(
  fc.record({
    act: fc.constantFrom('come', 'come', 'come', 'turn'),
    stream: fc.constantFrom('service-a', 'service-b'),
  }),
  { maxLength: 60 },
)
const outcome = fc.constantFrom<Outcome>('written', 'written', 'written', 'unavailable', 'unknown')

describe('events that travel together', () => {
  it('answers only for what is written, once, at a position not before it; what was refused is not written', async () => {
    const property = fc.asyncProperty(
      arrivals,
      fc.array(outcome, { minLength: 1, maxLength: 6 }),
      fc.constantFrom(1, 3, MAX_EVENTS_PER_APPEND),
      async (steps, outcomes, longest) => {
        const store = slowStore(outcomes, longest)
        const record = coalesceAppends(store.write)
        const asked: Promise<void>[] = []
        for (const [n, { act, stream }] of steps.entries()) {
          if (act === 'turn') {
            await turn()
            continue
          }
          const own = event(n)
          asked.push(
            record(stream, own).then(
              (position) => {
                expect(store.written.filter((id) => id === own.id)).toHaveLength(1)
                expect(positionAfter(store.written.indexOf(own.id) + 1) <= position).toBe(true)
              },
              (error: unknown) => {
                if (!(error instanceof UnknownOutcome)) expect(store.written).not.toContain(own.id)
              },
            ),
          )
        }
        await Promise.all(asked)
        expect(new Set(store.written).size).toBe(store.written.length)
      },
    )
    await fc.assert(property, { numRuns: rounds({ quick: 60, long: 2_000 }) })
  })

  it('writes a thousand that come at once in the order they came, one append at a time, none over the limit', async () => {
    const store = slowStore(['written'])
    const record = coalesceAppends(store.write)
    const all = Array.from({ length: 1_000 }, (_, n) => event(n))
    await Promise.all(all.map((each) => record('service-a', each)))
    expect(store.written).toEqual(all.map(({ id }) => id))
    expect(store.appends).toEqual([1, ...Array.from({ length: 9 }, () => MAX_EVENTS_PER_APPEND), 99])
    expect(store.mostAtOnce()).toBe(1)
  })

  it('writes one by one what is too large as a whole', async () => {
    const store = slowStore(['written'], 1)
    const record = coalesceAppends(store.write)
    const all = Array.from({ length: 5 }, (_, n) => event(n))
    await Promise.all(all.map((each) => record('service-a', each)))
    expect(store.written.toSorted()).toEqual(all.map(({ id }) => id).toSorted())
  })

  it('fails those who wait behind a failure at once, and takes those who come later', async () => {
    const store = slowStore(['unknown', 'written'])
    const record = coalesceAppends(store.write)
    const outcomes = await Promise.allSettled([1, 2, 3].map((n) => record('service-a', event(n))))
    expect(outcomes.map((one) => (one.status === 'rejected' ? one.reason.constructor : one.status))).toEqual([
      UnknownOutcome,
      Unavailable,
      Unavailable,
    ])
    await record('service-a', event(4))
    expect(store.written).toEqual([event(1).id, event(4).id])
  })

  it('does not delay appends to other streams', async () => {
    const written: string[] = []
    const record = coalesceAppends(async (stream) => {
      if (stream === 'service-slow') await new Promise(() => undefined)
      written.push(stream)
      return { position: positionAfter(written.length) }
    })
    void record('service-slow', event(1))
    await record('service-fast', event(2))
    expect(written).toEqual(['service-fast'])
  })
})
