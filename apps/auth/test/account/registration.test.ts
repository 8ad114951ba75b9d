import { type EventStore, inMemoryEventStore } from '@ledgate/eventsourcing'
import { InvalidGrant } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import { everythingIn, command } from '../../src/testing/parts.ts'
import { Crash, dyingProcess, slowStore } from '../../src/testing/faulty-store.ts'
import { ANN, type Household, openHousehold, SOURCE } from '../../src/testing/household.ts'
import { InvalidLink } from '../../src/email-address/index.ts'
import { WrongPassword } from '../../src/password/index.ts'
import { RESERVATION_LIFETIME } from '../../src/account/pending-registration.ts'

const DAY = 86_400
const OTHER = 'another one entirely'

const register = ({ registration }: Household, password = ANN.password) =>
  registration.register({ email: ANN.email, password }, command())

const confirm = (
  { confirm }: Household,
  token: string,
  password = ANN.password,
  kind: 'registered' | 'new' = 'registered',
) => confirm.confirm({ token, proof: { kind, password }, source: SOURCE, context: command() })

/** The links of all mails that were not sent yet, in order. */
const links = async (house: Household) => (await house.mails()).map(({ token }) => token)

/** Registers and does what follows; answers the mailed link. */
async function linkFor(house: Household, password?: string): Promise<string> {
  await register(house, password)
  await house.finish()
  return String((await links(house)).at(-1))
}

const refused = (signIn: Promise<unknown>) => expect(signIn).rejects.toThrow(InvalidGrant)

async function typesIn(store: EventStore, category: string): Promise<readonly string[]> {
  const types: string[] = []
  for await (const { type } of store.readAll({ filter: { categories: [category] } })) types.push(type)
  return types
}

describe('registering', () => {
  it('is confirmed by the mailed link and the password, and only then signs in', async () => {
    const house = await openHousehold()
    const link = await linkFor(house)
    await refused(house.signedIn())
    await confirm(house, link)
    await house.signedIn()
  })

  it('64 times at once leaves one account, one reservation, and no password but the one that is chosen with the proof', async () => {
    const house = await openHousehold({ store: slowStore(inMemoryEventStore(), 2) })
    const passwords = Array.from({ length: 64 }, (_, index) => `the choice of number ${index}`)
    await Promise.all(passwords.map((password) => register(house, password)))
    await house.finish()
    const tokens = await links(house)
    expect(await typesIn(house.store, 'user')).toEqual(['UserRegistered'])
    expect(await typesIn(house.store, 'email')).toEqual(['EmailReserved'])
    await confirm(house, String(tokens[0]), OTHER, 'new')
    await house.signedIn('web', { ...ANN, password: OTHER })
    for (const password of passwords) await refused(house.signedIn('web', { ...ANN, password }))
    for (const token of tokens.slice(1)) await expect(confirm(house, String(token))).rejects.toThrow(InvalidLink)
  })

  it('a registration with a taken address notifies its owner by email, changes nothing, and cannot be confirmed', async () => {
    const house = await openHousehold()
    await house.create()
    await register(house, OTHER)
    await house.finish()
    const mails = await house.mails()
    expect(mails.map(({ subject, token }) => [subject, token])).toEqual([
      [expect.stringMatching(/already/i), undefined],
    ])
    await house.signedIn()
    await refused(house.signedIn('web', { ...ANN, password: OTHER }))
  })

  it('appends the same number of events whether the address is free, reserved or taken', async () => {
    const appended = async (prepare: (house: Household) => Promise<unknown>) => {
      const house = await openHousehold()
      await prepare(house)
      await house.finish()
      const before = (await everythingIn(house.store)).split('\n').length
      await register(house)
      return (await everythingIn(house.store)).split('\n').length - before
    }
    const counts = [
      await appended(async () => undefined),
      await appended((house) => register(house, OTHER)),
      await appended((house) => house.create()),
    ]
    expect(counts).toEqual([1, 1, 1])
  })

  it('an unconfirmed address is available to another user after ten minutes, and the first password never works', async () => {
    const house = await openHousehold()
    const first = await linkFor(house)
    house.clock.advance(RESERVATION_LIFETIME)
    const second = await linkFor(house, OTHER)
    await expect(confirm(house, first)).rejects.toThrow(InvalidLink)
    await confirm(house, second, OTHER)
    await refused(house.signedIn())
    await house.signedIn('web', { ...ANN, password: OTHER })
    expect((await typesIn(house.store, 'user')).filter((type) => type === 'EmailVerified')).toHaveLength(1)
  })

  it('the sweeper releases an unconfirmed address once no link can confirm it, and erases its registration', async () => {
    const house = await openHousehold()
    const link = await linkFor(house)
    house.clock.advance(RESERVATION_LIFETIME + DAY - 1)
    expect(await house.sweeper.sweep(new AbortController().signal)).toBe(0)
    house.clock.advance(1)
    expect(await house.sweeper.sweep(new AbortController().signal)).toBe(1)
    expect(await house.sweeper.sweep(new AbortController().signal)).toBe(0)
    await house.finish()
    expect(await typesIn(house.store, 'email')).toEqual(['EmailReserved', 'EmailReleased'])
    expect(await typesIn(house.store, 'user')).toEqual(['UserRegistered', 'SubjectErased'])
    await expect(confirm(house, link)).rejects.toThrow(InvalidLink)
    await confirm(house, await linkFor(house))
    await house.signedIn()
  })
})

describe('a mailed link', () => {
  it('needs the password of the registration, or sets a new one: who reads the mail need not be who registered', async () => {
    const house = await openHousehold()
    const link = await linkFor(house)
    await expect(confirm(house, link, OTHER)).rejects.toThrow(WrongPassword)
    await confirm(house, link, OTHER, 'new')
    await refused(house.signedIn())
    await house.signedIn('web', { ...ANN, password: OTHER })
  })

  it('that was already redeemed gives the same answer to the same request, and to no other', async () => {
    const house = await openHousehold()
    const link = await linkFor(house)
    await Promise.all(Array.from({ length: 16 }, () => confirm(house, link)))
    await confirm(house, link)
    await expect(confirm(house, link, OTHER)).rejects.toThrow(InvalidLink)
    await expect(confirm(house, link, OTHER, 'new')).rejects.toThrow(InvalidLink)
    await house.signedIn()
  })

  it('changes nothing by being looked at', async () => {
    const house = await openHousehold()
    const link = await linkFor(house)
    const before = await everythingIn(house.store)
    for (let looks = 0; looks < 3; looks += 1) await house.confirm.check(link)
    expect(await everythingIn(house.store)).toBe(before)
  })

  it('that is forged, altered, of another mail or a day old does nothing', async () => {
    const house = await openHousehold()
    const link = await linkFor(house)
    const [m1, key, mail, secret = ''] = link.split('.')
    const flipped = `${secret.startsWith('A') ? 'B' : 'A'}${secret.slice(1)}`
    const forged = [
      '',
      'x',
      [m1, key, mail, flipped],
      [m1, key, 'f'.repeat(32), secret],
      [m1, '0'.repeat(16), mail, secret],
    ]
    for (const parts of forged)
      await expect(confirm(house, typeof parts === 'string' ? parts : parts.join('.'))).rejects.toThrow(InvalidLink)
    house.clock.advance(DAY)
    await expect(confirm(house, link)).rejects.toThrow(InvalidLink)
    await expect(house.confirm.check(link)).rejects.toThrow(InvalidLink)
  })
})

describe('a process that dies at any append', () => {
  /** The whole way of a person; ends where the process does. Answers what was acknowledged until then. */
  async function way(house: Household, acknowledged: Set<string>): Promise<void> {
    await register(house)
    acknowledged.add('registered')
    await house.finish()
    const [link] = await links(house)
    await confirm(house, String(link))
    acknowledged.add('confirmed')
    await house.finish()
  }

  /** What another process finds, and can do, after the first one died. */
  async function afterwards(store: EventStore, dead: Household, acknowledged: ReadonlySet<string>): Promise<void> {
    const house = await openHousehold({ store, shared: dead })
    await house.finish()
    const mailed = await links(house)
    if (acknowledged.has('confirmed')) await house.signedIn()
    else if (acknowledged.has('registered')) {
      // The link may have left before the process died; it is the same one, however often it is sent.
      if (mailed[0] !== undefined) await confirm(house, mailed[0])
      else await register(house) // what was mailed before still stands, and a new mail comes on asking
    } else {
      await register(house)
      await house.finish()
      for (const link of [...mailed, ...(await links(house))]) await confirm(house, String(link)).catch(() => undefined)
      await house.signedIn()
    }
    const types = await typesIn(store, 'user')
    expect(types.filter((type) => type === 'UserRegistered')).toHaveLength(1)
    expect(types.filter((type) => type === 'EmailVerified').length).toBeLessThanOrEqual(1)
  }

  it.each(['before', 'after'] as const)(
    '%s it was written leaves nothing lost, nothing twice and nothing stuck',
    async (when) => {
      let survived = 0
      for (let at = 0; survived === 0; at += 1) {
        const store = inMemoryEventStore()
        const first = await openHousehold({ store })
        const process = dyingProcess(store, first.vault, { at, when })
        const dying = await openHousehold({
          store: process.store,
          shared: { clock: first.clock, vault: process.vault },
        })
        const acknowledged = new Set<string>()
        const end = await way(dying, acknowledged).catch((error: unknown) => error)
        if (end === undefined) survived = at
        else expect(end).toBeInstanceOf(Crash)
        await afterwards(store, first, acknowledged)
      }
      expect(survived).toBeGreaterThan(5) // the control: it died at each append of the way
    },
  )
})
