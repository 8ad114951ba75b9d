import { TooManyRequests } from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { createHandClock } from '../testing/parts.ts'
import { type Attempt, createLoginGuard } from './login-limits.ts'
import { DEFAULT_LOGIN_LIMITS } from '../config/limit-defaults.ts'
import { type LoginLimits } from '../config/index.ts'

const LIMITS: LoginLimits = { ...DEFAULT_LOGIN_LIMITS, freeFailures: 3, sharedFailures: 10, sharedPeriod: 1000 }

/** The guard as a sign-in uses it: who signed in from somewhere is known there. */
interface Guarded {
  begin(account: string, source: string, network?: string): Promise<Attempt>
}

function guarded(limits = LIMITS) {
  const clock = createHandClock()
  const inner = createLoginGuard(limits, clock.nowMs)
  const known = new Set<string>()
  const guard: Guarded = {
    async begin(account, hash, network = hash) {
      const isKnown = known.has(`${account} ${hash}`)
      const attempt = await inner.begin({ account, source: { hash, network, text: 'x' }, isKnown })
      return {
        ...attempt,
        succeeded() {
          known.add(`${account} ${hash}`)
          attempt.succeeded()
        },
      }
    },
  }
  return { clock, guard, inner }
}

/** How many guesses of a source at an account are looked at. */
async function guesses(guard: Guarded, source: string, times: number, account = 'ann'): Promise<number> {
  let looked = 0
  for (let time = 0; time < times; time += 1) {
    const attempt = await guard.begin(account, source).catch(() => undefined)
    if (attempt === undefined) continue
    attempt.failed()
    looked += 1
  }
  return looked
}

async function signsIn(guard: Guarded, source: string, account = 'ann'): Promise<void> {
  const attempt = await guard.begin(account, source)
  attempt.succeeded()
}

describe('failed sign-ins', () => {
  it('delay only their source, only at that account, and twice as long each time', async () => {
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

describe('made-up names', () => {
  const few: LoginLimits = { ...LIMITS, namesPerSource: 10, remembered: 50 }

  it('of one network bring back no guess at a real account', async () => {
    const { guard } = guarded(few)
    expect(await guesses(guard, 'thief', 10)).toBe(few.freeFailures)
    let looked = 0
    for (let name = 0; name < 500; name += 1) looked += await guesses(guard, 'thief', 1, `made-up-${name}`)
    expect(looked).toBeLessThanOrEqual(few.namesPerSource + few.freeFailures)
    expect(await guesses(guard, 'thief', 10)).toBe(0)
  })

  it('of many networks do not push out the budget that strangers spent at an account', async () => {
    const { guard } = guarded(few)
    for (let bot = 0; bot < 50; bot += 1) await guesses(guard, `bot ${bot}`, 1)
    for (let name = 0; name < 500; name += 1) await guesses(guard, `flood ${name}`, 1, `made-up-${name}`)
    await expect(guard.begin('ann', 'a new place')).rejects.toThrow(TooManyRequests)
  })

  it('are counted as real ones are', async () => {
    const walk = fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 200 })
    await fc.assert(
      fc.asyncProperty(walk, async (tries) => {
        const [real, none] = [guarded(few).guard, guarded(few).guard]
        for (const [name, bot] of tries) {
          const [one, other] = [`account-${name}`, `no-such-${name}`]
          expect(await guesses(real, `bot ${bot}`, 1, one)).toBe(await guesses(none, `bot ${bot}`, 1, other))
        }
      }),
      { numRuns: rounds({ quick: 30, long: 500 }) },
    )
  })
})

describe('a source', () => {
  it('is a network: a new user agent for each guess gains nothing', async () => {
    const { guard } = guarded()
    let looked = 0
    for (let agent = 0; agent < 50; agent += 1) {
      const attempt = await guard.begin('ann', `thief ${agent}`, 'thief').catch(() => undefined)
      attempt?.failed()
      if (attempt !== undefined) looked += 1
    }
    expect(looked).toBe(LIMITS.freeFailures)
  })

  it('that the log says has to wait does so, and the strangers’ budget goes on from where it was', async () => {
    const { inner, guard, clock } = guarded()
    const at = clock.nowMs()
    inner.resume('ann', {
      shared: { spent: LIMITS.sharedFailures, at },
      delays: [{ source: 'thief', count: 4, at, until: at + 60_000 }],
    })
    inner.resume('bob', { shared: undefined, delays: [{ source: 'thief', count: 4, at, until: at + 60_000 }] })
    await expect(guard.begin('ann', 'a new place')).rejects.toThrow(TooManyRequests)
    await expect(guard.begin('bob', 'thief')).rejects.toThrow(TooManyRequests)
    await signsIn(guard, 'home', 'bob')
    clock.advance(61)
    expect(await guesses(guard, 'thief', 5, 'bob')).toBe(1)
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
async function isEverLockedOut(guard: Guarded, clock: ReturnType<typeof createHandClock>, walk: readonly Move[]) {
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

describe('no source can lock out another user', () => {
  it('a source that signed in before and makes no mistake is never refused', async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (walk) => {
        const { guard, clock } = guarded()
        expect(await isEverLockedOut(guard, clock, walk)).toBe(false)
      }),
      { numRuns: rounds({ quick: 40, long: 250, soak: 1_500 }) },
    )
  })

  it('which a guard that counts by account alone does not keep: the control', async () => {
    const { failed } = await fc.check(
      fc.asyncProperty(moves, async (walk) => {
        const { guard, clock } = guarded()
        const blind: Guarded = { begin: (account) => guard.begin(account, 'everybody') }
        expect(await isEverLockedOut(blind, clock, walk)).toBe(false)
      }),
      { numRuns: 300 },
    )
    expect(failed).toBe(true)
  })
})
