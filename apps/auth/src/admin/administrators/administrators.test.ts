import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { InvalidToken } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../../rounds.ts'
import { changeUser, readUser, userStream } from '../../user/index.ts'
import { slowStore } from '../../testing/faulty-store.ts'
import { type Household, openHousehold } from '../../testing/household.ts'
import { command } from '../../testing/parts.ts'
import { ADMINISTRATOR } from './administrators.ts'
import { AlreadySetUp, LastAdministrator } from './errors.ts'

const person = (name: string, roles: readonly string[] = [ADMINISTRATOR]) => ({
  email: `${name}@example.com`,
  password: 'a quiet harbour at dawn',
  roles,
})

async function withPeople(names: readonly string[], slow = false) {
  const store = inMemoryEventStore()
  const home = await openHousehold({ store: slow ? slowStore(store, 2) : store })
  const subs: string[] = []
  for (const name of names) subs.push((await home.accounts.create(person(name), command())).sub)
  return { home, subs }
}

const none = { roles: [], entitlements: [] }
const admin = { roles: [ADMINISTRATOR], entitlements: [] }

describe('the administrators', () => {
  it('are, at each moment, the users who have the role and are on the list', async () => {
    const { home, subs } = await withPeople(['ann', 'bob'])
    const [ann = '', bob = ''] = subs
    const { accounts, administrators } = home
    expect(await administrators.includes(ann)).toBe(true)
    await accounts.disable(ann, 'test', command())
    expect(await administrators.includes(ann)).toBe(false)
    await accounts.enable(ann, command())
    expect(await administrators.includes(ann)).toBe(true)
    await accounts.assignRoles(ann, none, command())
    expect(await administrators.includes(ann)).toBe(false)
    expect(await administrators.includes(bob)).toBe(true)
  })

  it('keep the last one: not disabled, not demoted, and nothing of it done by half', async () => {
    const { home, subs } = await withPeople(['ann', 'bob'])
    const [ann = '', bob = ''] = subs
    const { accounts, administrators, log } = home
    await accounts.disable(bob, 'test', command())
    const before = await log.last(userStream.of(ann))
    await expect(accounts.disable(ann, 'test', command())).rejects.toThrow(LastAdministrator)
    await expect(accounts.assignRoles(ann, none, command())).rejects.toThrow(LastAdministrator)
    expect(await log.last(userStream.of(ann))).toEqual(before)
    expect(await administrators.includes(ann)).toBe(true)
  })

  it('are first made once', async () => {
    const { home, subs } = await withPeople(['ann'])
    await expect(home.administrators.addFirst('u_00', command())).rejects.toThrow(AlreadySetUp)
    expect(await home.administrators.includes(subs[0] ?? '')).toBe(true)
  })

  it('who demote each other at the same moment never leave none', async () => {
    for (let round = 0; round < rounds({ quick: 8, long: 200 }); round += 1) {
      const { home, subs } = await withPeople(['ann', 'bob'], true)
      const acts = subs.map((sub, index) =>
        index + (round % 2) === 1
          ? home.accounts.disable(sub, 'test', command())
          : home.accounts.assignRoles(sub, none, command()),
      )
      const refused = (await Promise.allSettled(acts)).filter(({ status }) => status === 'rejected')
      expect(refused.length, `round ${round}`).toBe(1)
      const left = await Promise.all(subs.map((sub) => home.administrators.includes(sub)))
      expect(left.filter(Boolean).length, `round ${round}`).toBe(1)
    }
  })

  it('always have one who can act, whatever is done to them in whatever order at once', async () => {
    const Act = fc.record({
      who: fc.integer({ min: 0, max: 2 }),
      what: fc.constantFrom('disable', 'enable', 'demote', 'promote'),
      ms: fc.integer({ min: 0, max: 6 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(Act, { minLength: 2, maxLength: 10 }), async (acts) => {
        const { home, subs } = await withPeople(['ann', 'bob', 'cay'], true)
        const { accounts, administrators } = home
        const doing = acts.map(async ({ who, what, ms }) => {
          await pause(ms)
          const sub = subs[who] ?? ''
          if (what === 'disable') return accounts.disable(sub, 'test', command())
          if (what === 'enable') return accounts.enable(sub, command())
          return accounts.assignRoles(sub, what === 'demote' ? none : admin, command())
        })
        for (const result of await Promise.allSettled(doing))
          if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LastAdministrator)
        expect((await Promise.all(subs.map((sub) => administrators.includes(sub)))).some(Boolean)).toBe(true)
      }),
      { numRuns: rounds({ quick: 5, long: 60, soak: 300 }) },
    )
  })

  it('control: without the list, two who demote each other by their roles alone can leave none', async () => {
    const { home, subs } = await withPeople(['ann', 'bob'], true)
    const others = (sub: string) => subs.filter((each) => each !== sub)
    const naive = async (sub: string) => {
      const left = await Promise.all(others(sub).map((each) => home.administrators.includes(each)))
      if (left.some(Boolean)) await changeRoles(sub)
    }
    const { changeUser } = await import('../../user/change-user.ts')
    const changeRoles = (sub: string) => changeUser(home.log, sub, { type: 'AssignRoles', ...none }, command())
    await Promise.all(subs.map(naive))
    expect(await Promise.all(subs.map((sub) => home.administrators.includes(sub)))).toEqual([false, false])
  })
})

const reader = { roles: ['reader'], entitlements: [] }
const overtaking: Readonly<Record<string, (home: Household, sub: string) => Promise<unknown>>> = {
  'a demotion': ({ accounts }, sub) => accounts.assignRoles(sub, reader, command()),
  'another name': ({ log }, sub) => changeUser(log, sub, { type: 'ChangeName', name: undefined }, command()),
}

it.each(Object.entries(overtaking))(
  'who demotes, is overtaken by %s and has no right by then, did nothing',
  async (_, act) => {
    const { home, subs } = await withPeople(['ann', 'ben'])
    const [ann = ''] = subs
    let hasEnded = false
    const append: EventStore['append'] = async (stream, ...request) => {
      if (stream === `user-${ann}` && !hasEnded) {
        hasEnded = true
        await act(home, ann)
      }
      return home.store.append(stream, ...request)
    }
    const establish = async () => {
      if (hasEnded) throw new InvalidToken('it ended')
    }
    const { accounts } = await openHousehold({ store: { ...home.store, append }, shared: home })
    const late = { roles: ['owner'], entitlements: [] }
    const context = { ...command(), authority: { establish } }
    await expect(accounts.assignRoles(ann, late, context)).rejects.toThrow(InvalidToken)
    const roles = (await readUser(home.log, ann))?.state.roles ?? []
    expect(roles).not.toContain('owner')
    expect(await home.administrators.includes(ann)).toBe(roles.includes(ADMINISTRATOR))
  },
)
