import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { freshness } from '../src/follower/index.ts'

const START = 1_800_000_000_000

function machine() {
  const time = { wall: START, monotonic: 5_000 }
  const clock = { wall: () => time.wall, monotonic: () => time.monotonic }
  return { time, fresh: freshness({ clock, allowedSkewMs: 2_000 }) }
}

describe('staleness', () => {
  it('is infinite before the first heartbeat', () => {
    expect(machine().fresh.stalenessMs()).toBe(Number.POSITIVE_INFINITY)
  })

  it('grows with either clock, also while the machine sleeps or after its clock was set back', () => {
    const { time, fresh } = machine()
    fresh.heard({ at: START - 100 })
    expect(fresh.stalenessMs()).toBe(100)
    time.wall += 60_000
    expect(fresh.stalenessMs()).toBe(60_100)
    time.wall = START - 3_600_000
    time.monotonic += 20_000
    expect(fresh.stalenessMs()).toBe(20_000)
  })

  it('is not reduced by heartbeats from the future, older ones, or repetitions', () => {
    const { time, fresh } = machine()
    expect(fresh.heard({ at: START + 2_001 })).toBe(false)
    expect(fresh.stalenessMs()).toBe(Number.POSITIVE_INFINITY)
    expect(fresh.heard({ at: START + 2_000 })).toBe(true)
    time.monotonic += 9_000
    time.wall += 9_000
    for (const at of [START - 1, START + 2_000]) expect(fresh.heard({ at })).toBe(false)
    expect(fresh.stalenessMs()).toBe(9_000)
  })

  const step = fc.record({
    wall: fc.integer({ min: -5_000, max: 20_000 }),
    monotonic: fc.nat({ max: 20_000 }),
    age: fc.option(fc.integer({ min: -4_000, max: 60_000 }), { nil: undefined }),
  })

  it('is never less than the age of the newest valid heartbeat, or the time since it arrived', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const { time, fresh } = machine()
        let newest: { at: number; arrived: number } | undefined
        for (const { wall, monotonic, age } of steps) {
          time.wall += wall
          time.monotonic += monotonic
          if (age !== undefined) {
            const at = time.wall - age
            const isNews = fresh.heard({ at })
            if (isNews) newest = { at, arrived: time.monotonic }
            expect(isNews && age < -2_000).toBe(false)
          }
          if (newest === undefined) expect(fresh.stalenessMs()).toBe(Number.POSITIVE_INFINITY)
          else {
            expect(fresh.stalenessMs()).toBeGreaterThanOrEqual(time.wall - newest.at)
            expect(fresh.stalenessMs()).toBeGreaterThanOrEqual(time.monotonic - newest.arrived)
          }
        }
      }),
      { numRuns: rounds({ quick: 100, long: 3_000 }) },
    )
  })

  it('of an old backlog is that of its last heartbeat, however fast it arrives', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 16_000, max: 3_600_000 }), { minLength: 1, maxLength: 50 }),
        fc.nat({ max: 100 }),
        (ages, monotonic) => {
          const { time, fresh } = machine()
          for (const age of ages) {
            time.monotonic += monotonic
            fresh.heard({ at: START - age })
            expect(fresh.stalenessMs()).toBeGreaterThanOrEqual(16_000)
          }
          expect(fresh.stalenessMs()).toBeGreaterThanOrEqual(Math.min(...ages))
        },
      ),
    )
  })

  it('control: by the time of arrival alone a backlog would look fresh', () => {
    const { time, fresh } = machine()
    const arrived = time.monotonic
    fresh.heard({ at: START - 3_600_000 })
    expect(time.monotonic - arrived).toBe(0)
    expect(fresh.stalenessMs()).toBe(3_600_000)
  })
})
