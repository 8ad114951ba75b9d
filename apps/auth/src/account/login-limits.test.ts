import { TooManyRequests } from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { handClock } from '../testing/parts.ts'
import { DEFAULT_LOGIN_LIMITS, type LoginGuard, loginGuard, type LoginLimits } from './login-limits.ts'

const LIMITS: LoginLimits = { ...DEFAULT_LOGIN_LIMITS, freeFailures: 3, sharedFailures: 10, sharedPeriod: 1000 }

function guarded(limits = LIMITS) {
  const clock = handClock()
  return { clock, guard: loginGuard(limits, clock.nowMs) }
}

/** How many guesses of a source at an account are looked at. */
async function guesses(guard: LoginGuard, source: string, times: number, account = 'ann'): Promise<number> {
  let looked = 0
  for (let time = 0; time < times; time += 1) {
    const attempt = await guard.begin(account, source).catch(() => undefined)
    if (attempt === undefined) continue
    attempt.failed()
    looked += 1
  }
  return looked
}

async function signsIn(guard: LoginGuard, source: string, account = 'ann'): Promise<void> {
  const attempt = await guard.begin(account, source)
  attempt.succeeded()
}

describe('failed sign-ins', () => {
  it('make their source wait at that account, twice as long each time, and nobody else', async () => {
    const { guard, clock } = guarded()
    await signsIn(guard, 'home')
    expect(await guesses(guard, 'thief', 10)).toBe(3)
    const waits: number[] = []
    for (let time = 0; time < 4; time += 1) {
      const error = await guard.begin('ann', 'thief').catch((refusal: unknown) => refusal)
      const wait = error instanceof TooManyRequests ? Number(error.headers['retry-after']) : 0
      waits.push(wait)
      clock.advance(wait)
      expect(await guesses(guard, 'thief', 5)).toBe(1)
    }
    expect(waits).toEqual([1, 2, 4, 8])
    await signsIn(guard, 'home')
    await signsIn(guard, 'thief', 'bob')
  })

  it('of many sources never seen share a budget, and a source that signed in before does not feel it', async () => {
    const { guard, clock } = guarded()
    await signsIn(guard, 'home')
    let looked = 0
    for (let source = 0; source < 200; source += 1) looked += await guesses(guard, `bot ${source}`, 1)
    expect(looked).toBe(LIMITS.sharedFailures)
    await signsIn(guard, 'home')
    await expect(guard.begin('ann', 'a new place')).rejects.toThrow(TooManyRequests)
    clock.advance(LIMITS.sharedPeriod / LIMITS.sharedFailures)
    await signsIn(guard, 'a new place')
  })

  it('at once are no more guesses than one after the other', async () => {
    const { guard } = guarded()
    let looked = 0
    const guess = async () => {
      const attempt = await guard.begin('ann', 'thief').catch(() => undefined)
      if (attempt === undefined) return
      looked += 1
      await new Promise((later) => setImmediate(later))
      attempt.failed()
    }
    await Promise.all(Array.from({ length: 100 }, guess))
    expect(looked).toBe(LIMITS.freeFailures)
  })

  it('are forgotten after a success, and after a while', async () => {
    const { guard, clock } = guarded()
    await guesses(guard, 'home', 2)
    await signsIn(guard, 'home')
    expect(await guesses(guard, 'home', 5)).toBe(3)
    clock.advance(LIMITS.forgetAfter + 1)
    expect(await guesses(guard, 'home', 5)).toBe(3)
  })

  it('that came to nothing do not count', async () => {
    const { guard } = guarded()
    for (let time = 0; time < 50; time += 1) (await guard.begin('ann', 'home')).abandoned()
    await signsIn(guard, 'home')
  })
})

interface Move {
  readonly who: 'home' | 'bot' | 'another bot'
  readonly wait: number
}

const moves: fc.Arbitrary<readonly Move[]> = fc.array(
  fc.record({ who: fc.constantFrom('home', 'bot', 'another bot'), wait: fc.constantFrom(0, 0, 1, 100) }),
  { maxLength: 60 },
)

/** Whoever lives at home signs in now and then, whatever bots do meanwhile. */
async function isEverLockedOut(guard: LoginGuard, clock: ReturnType<typeof handClock>, walk: readonly Move[]) {
  await signsIn(guard, 'home')
  for (const { who, wait } of walk) {
    clock.advance(wait)
    if (who !== 'home') await guesses(guard, who, 3)
    else if (
      (await guard.begin('ann', 'home').then(
        (attempt) => attempt.succeeded(),
        () => 'refused',
      )) !== undefined
    )
      return true
  }
  return false
}

describe('nobody can lock somebody else out', () => {
  it('a source that signed in before and makes no mistake is never refused', async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (walk) => {
        const { guard, clock } = guarded()
        expect(await isEverLockedOut(guard, clock, walk)).toBe(false)
      }),
      { numRuns: 300 },
    )
  })

  it('which a guard that counts by account alone does not keep: the control', async () => {
    const { failed } = await fc.check(
      fc.asyncProperty(moves, async (walk) => {
        const { guard, clock } = guarded()
        const blind: LoginGuard = { begin: (account) => guard.begin(account, 'everybody') }
        expect(await isEverLockedOut(blind, clock, walk)).toBe(false)
      }),
      { numRuns: 300 },
    )
    expect(failed).toBe(true)
  })
})
