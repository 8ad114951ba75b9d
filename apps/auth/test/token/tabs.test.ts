import { InvalidGrant } from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { type Household, openHousehold, type SOURCE } from '../../src/testing/household.ts'
import { everythingIn } from '../../src/testing/parts.ts'

const at = (place: string) => ({ hash: place, text: '192.0.0.0/16 test' })
const [HOME, AWAY] = [at('home'), at('away')]
const PAGE = 'page'

async function withAnn(): Promise<Household> {
  const house = await openHousehold()
  await house.create()
  return house
}

describe('tabs of one browser that race', () => {
  it('at each renewal, without a refresh_attempt, never lose their grant', async () => {
    const { signedIn, refresh, clock, lives } = await withAnn()
    let { refresh_token } = await signedIn(PAGE)
    for (let renewal = 0; renewal < rounds({ quick: 25, long: 1_000 }); renewal += 1) {
      clock.advance(300)
      const tabs = Array.from({ length: 2 + (renewal % 5) }, () => refresh_token)
      // Some at once, and the others a moment later, as they wake up.
      const [early, late] = [tabs.slice(0, 1 + (renewal % tabs.length)), tabs.slice(1 + (renewal % tabs.length))]
      const answers = await Promise.all(early.map((token) => refresh(token, undefined, PAGE)))
      clock.advance(renewal % 10)
      answers.push(...(await Promise.all(late.map((token) => refresh(token, undefined, PAGE)))))
      expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1)
      for (const { access_token } of answers) expect(await lives(access_token)).toBe(true)
      refresh_token = answers[0]?.refresh_token
    }
  })

  it('stay signed in when one of them was already on another network, at that renewal and at the next', async () => {
    const { signedIn, refresh } = await withAnn()
    const first = await signedIn(PAGE)
    const from = (token: unknown, source: typeof SOURCE) => refresh(token, undefined, PAGE, { source })
    const second = await from(first.refresh_token, HOME)
    expect((await from(first.refresh_token, AWAY)).refresh_token).toBe(second.refresh_token)
    const third = await from(second.refresh_token, AWAY)
    expect((await from(second.refresh_token, AWAY)).refresh_token).toBe(third.refresh_token)
    await from(third.refresh_token, AWAY)
  })

  it('are answered a hundred times for one renewal, and what is beyond ends nothing', async () => {
    const { signedIn, refresh } = await withAnn()
    const { refresh_token } = await signedIn(PAGE)
    const next = await refresh(refresh_token, undefined, PAGE)
    for (let times = 0; times < 100; times += 1) await refresh(refresh_token, undefined, PAGE)
    await expect(refresh(refresh_token, undefined, PAGE)).rejects.toThrow(InvalidGrant)
    await refresh(next.refresh_token, undefined, PAGE)
  })
})

describe('a source that is not known', () => {
  const UNKNOWN = { hash: 'the same', text: 'unknown test' }

  it('is not another one that is not known: it is answered once', async () => {
    const { signedIn, refresh, lives } = await withAnn()
    const { refresh_token } = await signedIn(PAGE)
    const from = (source: typeof SOURCE) => refresh(refresh_token, undefined, PAGE, { source })
    await from(UNKNOWN)
    const { access_token } = await from(UNKNOWN)
    await expect(from(UNKNOWN)).rejects.toThrow(InvalidGrant)
    expect(await lives(access_token)).toBe(false)
  })
})

describe('where a token was spent from', () => {
  it('is in the log only sealed under the key of its person', async () => {
    const { signedIn, refresh, store } = await withAnn()
    const { refresh_token } = await signedIn(PAGE)
    const source = { hash: 'told-again-by-this-hash', text: '203.0.0.0/16 test' }
    for (let times = 0; times < 2; times += 1) await refresh(refresh_token, undefined, PAGE, { source })
    const everything = await everythingIn(store)
    expect(everything).toContain('RefreshReplayed')
    expect(everything).not.toContain(source.hash)
    expect(everything).not.toContain(source.text)
  })
})

type Party = 'person' | 'thief'

/** A theft, and what both do then; answers who was given a token in whose place, and whether the grant lives in the end. */
async function afterTheft(moves: readonly { who: Party; wait: number }[], places: Record<Party, typeof SOURCE>) {
  const { signedIn, refresh, clock, lives } = await withAnn()
  const stolen = await signedIn(PAGE)
  /** The newest tokens that each was given. */
  const held: Record<Party, typeof stolen> = { person: stolen, thief: stolen }
  const spentBy = new Map<unknown, Party>()
  let shared = 0
  const present = async (who: Party) => {
    const { refresh_token } = held[who]
    held[who] = await refresh(refresh_token, undefined, PAGE, { source: places[who] })
    const spender = spentBy.get(refresh_token)
    if (spender === undefined) spentBy.set(refresh_token, who)
    else if (spender !== who) shared += 1
  }
  try {
    for (const { who, wait } of moves) {
      clock.advance(wait)
      await present(who)
    }
    for (const who of ['person', 'thief', 'person', 'thief'] as const) await present(who)
  } catch {
    // ended: nobody goes on
  }
  const alive = [await lives(held.person.access_token), await lives(held.thief.access_token)]
  return { shared, isAlive: alive.includes(true) }
}

describe('a thief who copied the token', () => {
  const moves = fc.array(
    fc.record({ who: fc.constantFrom<Party>('person', 'thief'), wait: fc.constantFrom(0, 1, 5, 9, 10, 250) }),
    { maxLength: 20 },
  )
  const numRuns = rounds({ quick: 25, long: 1_000 })

  it('elsewhere is found out when the second of both spends what both were given, and gets one token by grace before', async () => {
    const property = fc.asyncProperty(moves, async (all) => {
      const { shared, isAlive } = await afterTheft(all, { person: HOME, thief: AWAY })
      expect(isAlive).toBe(false)
      expect(shared).toBeLessThanOrEqual(1)
    })
    await fc.assert(property, { numRuns })
  })

  it('elsewhere and never goes on gets the tokens of one answer, and the person is not signed out', async () => {
    const { signedIn, refresh, clock, lives } = await withAnn()
    const { refresh_token } = await signedIn(PAGE)
    const next = await refresh(refresh_token, undefined, PAGE, { source: HOME })
    const stolen = await refresh(refresh_token, undefined, PAGE, { source: AWAY })
    let mine = next
    for (let renewal = 0; renewal < 3; renewal += 1) {
      clock.advance(250)
      mine = await refresh(mine.refresh_token, undefined, PAGE, { source: HOME })
    }
    expect(await lives(mine.access_token)).toBe(true)
    expect(await lives(stolen.access_token)).toBe(false)
    expect(await lives(String(stolen.refresh_token))).toBe(false)
  })

  it('behind the same address, with the same agent, is not told apart while they race: the limit that is declared', async () => {
    const race = ['person', 'thief', 'person', 'thief'].map((who) => ({ who: who as Party, wait: 0 }))
    expect(await afterTheft(race, { person: HOME, thief: HOME })).toMatchObject({ isAlive: true })
  })
})
