import { inMemoryEventStore } from '@ledgate/eventsourcing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { Crash, dyingProcess } from '../testing/faulty-store.ts'
import { ANN, openHousehold, plainHasher, SOURCE } from '../testing/household.ts'
import { newId } from '../log/index.ts'
import { command } from '../testing/parts.ts'
import { mailStream } from '../mail/index.ts'
import { emailChangeStream, InvalidLink } from '../email-address/index.ts'
import { readUser, userStream } from '../user/index.ts'

const NEW = { ...ANN, email: 'ann.new@example.com' }

/** Somebody who asked for another address, and the link that was mailed there. */
async function asked() {
  const store = inMemoryEventStore()
  const home = await openHousehold({ store })
  const { sub } = await home.create()
  await home.finish()
  const found = await readUser(home.log, sub)
  if (found === undefined) throw new Error('nobody was made')
  await home.changeEmail.ask(found.state, NEW.email, command())
  const mail = (await home.mails()).find(({ to }) => to === NEW.email)
  return { store, home, sub, token: String(mail?.token) }
}

type Home = Awaited<ReturnType<typeof openHousehold>>

/** A new person of the household, who asks for addresses and redeems what was mailed there. */
async function newPerson(home: Home) {
  const name = newId()
  const at = (which: string) => `${which}-${name}@example.com`
  const { sub } = await home.create({ ...ANN, email: at('a') })
  const state = async () => {
    const found = await readUser(home.log, sub)
    if (found === undefined) throw new Error('nobody was made')
    return found.state
  }
  return {
    sub,
    state,
    at,
    address: async () => String(await home.sealer.unseal((await state()).email, 'email')).replace(/-.*/, ''),
    /** Asks for an address; the link that was mailed to it, if one was. */
    async ask(which: string): Promise<string | undefined> {
      await home.changeEmail.ask(await state(), at(which), command())
      return (await home.mails()).findLast(({ to }) => to === at(which))?.token
    },
    redeem: (token: string | undefined) =>
      home.changeEmail.redeem(String(token), command()).then(
        () => 'changed',
        (error: unknown) => {
          if (!(error instanceof InvalidLink)) throw error
          return 'refused'
        },
      ),
    signsIn: async (which: string) => signsIn(home, { ...ANN, email: at(which) }),
  }
}

const signsIn = (home: Awaited<ReturnType<typeof openHousehold>>, person: typeof ANN) =>
  home.signedIn('web', person).then(
    () => true,
    () => false,
  )

it.each(['before', 'after'] as const)(
  'a process that dies %s any append leaves one address that works, and what it began is finished',
  async (when) => {
    for (let at = 0; ; at += 1) {
      const { store, home, token } = await asked()
      const mortal = dyingProcess(store, home.vault, { at, when })
      const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
      const died = await dying.changeEmail.redeem(token, command()).catch((error: unknown) => error)
      await home.finish()
      const works = [await signsIn(home, ANN), await signsIn(home, NEW)]
      expect(works.filter(Boolean), `append ${at}`).toHaveLength(1)
      await home.changeEmail.redeem(token, command())
      expect([await signsIn(home, ANN), await signsIn(home, NEW)]).toEqual([false, true])
      await home.finish()
      const told = (await home.mails()).filter(({ subject }) => subject === 'Your account has another address')
      expect(told.map(({ to }) => to)).toEqual([ANN.email])
      if (!(died instanceof Crash)) return expect(at).toBeGreaterThan(2)
      expect(at).toBeLessThan(20)
    }
  },
)

it('what remains of the old address does not show whose it was', async () => {
  const { home, token, sub } = await asked()
  await home.changeEmail.redeem(token, command())
  await home.finish()
  const stream = home.addresses.stream(home.addresses.hmac(ANN.email))
  const events = await home.log.last(stream, 10)
  expect(events[0]?.type).toBe('EmailReleased')
  for (const event of events) {
    if (event.type !== 'EmailConfirmed') continue
    expect(await home.sealer.unseal(event.data.owner, 'owner')).not.toBe(sub)
  }
})

describe('a link for another address', () => {
  it('is void from the moment another address is asked for, before that one is confirmed and after', async () => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const typo = await person.ask('typo')
    const right = await person.ask('right')
    expect([await person.redeem(typo), await person.address()]).toEqual(['refused', 'a'])
    expect([await person.redeem(right), await person.address()]).toEqual(['changed', 'right'])
    expect([await person.redeem(typo), await person.address()]).toEqual(['refused', 'right'])
    await expect(home.changeEmail.check(String(typo))).rejects.toThrow(InvalidLink)
  })

  it.each(['a', 'c'])('is void after it was used and the person went on to %s', async (next) => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const used = await person.ask('b')
    expect(await person.redeem(used)).toBe('changed')
    await home.finish()
    expect(await person.redeem(await person.ask(next))).toBe('changed')
    await home.finish()
    expect([await person.redeem(used), await person.address()]).toEqual(['refused', next])
    expect(await person.signsIn('b')).toBe(false)
  })

  it('is redeemed once: again it gives the same answer and writes nothing', async () => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const link = await person.ask('b')
    expect(await person.redeem(link)).toBe('changed')
    await home.finish()
    const head = await home.store.head()
    expect(await person.redeem(link)).toBe('changed')
    expect(await home.store.head()).toBe(head)
  })

  it('is void once its person was disabled, also when they are enabled again, and once they were erased', async () => {
    const home = await openHousehold()
    const [one, two] = [await newPerson(home), await newPerson(home)]
    const [ones, twos] = [await one.ask('b'), await two.ask('b')]
    await home.accounts.disable(one.sub, 'test', command())
    expect(await one.redeem(ones)).toBe('refused')
    await home.accounts.enable(one.sub, command())
    expect([await one.redeem(ones), await one.address()]).toEqual(['refused', 'a'])
    await home.accounts.erase(two.sub, 'test', command())
    expect(await two.redeem(twos)).toBe('refused')
    await home.finish()
    for (const { at } of [one, two]) expect(await home.accounts.findSub(at('b'))).toBeUndefined()
  })

  it('that two processes redeem at the same moment changes the address once, and both say so', async () => {
    const home = await openHousehold()
    const other = await openHousehold({ store: home.store, shared: home })
    for (let round = 0; round < 5; round += 1) {
      const person = await newPerson(home)
      const token = String(await person.ask('b'))
      await Promise.all([home, other].map(({ changeEmail }) => changeEmail.redeem(token, command())))
      await Promise.all([home.finish(), other.finish()])
      expect([await person.signsIn('a'), await person.signsIn('b')]).toEqual([false, true])
      const types = (await home.log.last(userStream.of(person.sub), 20)).map(({ type }) => type)
      expect(types.filter((type) => type === 'EmailChanged')).toHaveLength(1)
      const links = (await home.log.last(emailChangeStream.of(person.sub), 20)).map(({ type }) => type)
      expect(links).toEqual(['EmailChangeRedeemed', 'EmailChangeAsked'])
    }
  })

  it('of a version that did not bind it to anything is void', async () => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const token = String(await person.ask('b'))
    const [asked] = await home.log.last(mailStream.of(String(token.split('.')[2])), 10)
    const mail = (await home.log.last(mailStream.of(String(token.split('.')[2])), 10)).at(-1)
    if (mail?.type !== 'MailRequested' || mail.data.link === undefined) throw new Error(`no link: ${asked?.type}`)
    const { from: _, from_reservation_id: __, ...old } = mail.data.link
    const mail_id = newId()
    const stale = { ...mail.data, mail_id, link: old }
    await home.log.append(mailStream.of(mail_id), [{ type: 'MailRequested', data: stale }], {
      expected: 'noStream',
      context: command(),
    })
    const sent = (await home.mails()).find(({ id }) => id === mail_id)
    expect([await person.redeem(sent?.token), await person.address()]).toEqual(['refused', 'a'])
  })

  it('that a slow process redeemed does nothing when the person went away and came back meanwhile', async () => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const slow = await person.ask('b')
    const mortal = dyingProcess(home.store, home.vault, { at: 1, when: 'after' })
    const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
    await expect(dying.changeEmail.redeem(String(slow), command())).rejects.toThrow(Crash) // b is confirmed, and no more
    expect(await person.redeem(await person.ask('c'))).toBe('changed')
    expect(await person.redeem(await person.ask('a'))).toBe('changed')
    await home.finish()
    expect(await person.address()).toBe('a')
    expect(await Promise.all(['a', 'b', 'c'].map((which) => person.signsIn(which)))).toEqual([true, false, false])
  })

  it('changes the address only while it is the newest, unused, and nothing ended the person’s tokens', async () => {
    const home = await openHousehold()
    const step = fc.oneof(
      fc.record({ act: fc.constant('ask' as const), which: fc.constantFrom('a', 'b', 'c', 'd') }),
      fc.record({ act: fc.constant('redeem' as const), link: fc.nat(5) }),
      fc.record({ act: fc.constant('redeemAll' as const) }),
      fc.record({ act: fc.constantFrom('endSessions' as const, 'finish' as const) }),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const person = await newPerson(home)
        const links: { token: string | undefined; which: string }[] = []
        let [address, last] = ['a', undefined as string | undefined]
        let good: string | undefined
        const changesTo = (link: (typeof links)[number] | undefined) =>
          link?.token !== undefined && link.token === good ? link.which : undefined
        for (const each of steps) {
          if (each.act === 'ask') {
            ;[good, last] = [undefined, undefined]
            const token = await person.ask(each.which)
            if (each.which === address) continue
            links.push({ token, which: each.which })
            good = token
          } else if (each.act === 'endSessions') {
            await home.accounts.revokeSessions(person.sub, 'test', command())
            ;[good, last] = [undefined, undefined]
          } else if (each.act === 'finish') await home.finish()
          else {
            const tried = each.act === 'redeem' ? links.slice(each.link, each.link + 1) : links
            const answers = await Promise.all(tried.map(({ token }) => person.redeem(token)))
            const next = tried.map(changesTo).find((which) => which !== undefined)
            if (next !== undefined) [address, last, good] = [next, good, undefined]
            expect(answers).toEqual(tried.map(({ token }) => (token === last ? 'changed' : 'refused')))
          }
          expect(await person.address()).toBe(address)
        }
        await home.finish()
        const works = await Promise.all(['a', 'b', 'c', 'd'].map((which) => person.signsIn(which)))
        expect(works).toEqual(['a', 'b', 'c', 'd'].map((which) => which === address))
      }),
      { numRuns: rounds({ quick: 25, long: 300, soak: 1_000 }) },
    )
  })

  it('does nothing where the end of all sessions came between its steps', async () => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const link = await person.ask('b')
    const mortal = dyingProcess(home.store, home.vault, { at: 1, when: 'after' })
    const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
    await expect(dying.changeEmail.redeem(String(link), command())).rejects.toThrow(Crash) // b is confirmed, and no more
    await home.accounts.revokeSessions(person.sub, 'test', command())
    await home.finish()
    expect(await person.address()).toBe('a')
    expect([await person.signsIn('a'), await person.signsIn('b')]).toEqual([true, false])
  })

  it('to an address taken meanwhile changes and writes nothing; of two users who confirm it at once one gets it', async () => {
    const home = await openHousehold()
    const other = await openHousehold({ store: home.store, shared: home })
    const wanted = `wanted-${newId()}@example.com`
    async function asking() {
      const person = await newPerson(home)
      await home.changeEmail.ask(await person.state(), wanted, command())
      return { person, token: String((await home.mails()).findLast(({ to }) => to === wanted)?.token) }
    }
    const [one, two, three] = [await asking(), await asking(), await asking()]
    const answers = await Promise.allSettled([
      home.changeEmail.redeem(one.token, command()),
      other.changeEmail.redeem(two.token, command()),
    ])
    expect(answers.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    await home.finish()
    const head = await home.store.head()
    expect(await three.person.redeem(three.token)).toBe('refused')
    expect(await home.store.head()).toBe(head)
  })

  it('leaves the old address no say: its links set no password, and it hears of the change without a link', async () => {
    const home = await openHousehold()
    const person = await newPerson(home)
    const resetAt = async (which: string) => {
      await home.reset.ask(person.at(which), command())
      return (await home.mails()).findLast(({ to }) => to === person.at(which))?.token
    }
    const reset = await resetAt('a')
    const link = await person.ask('b')
    const mortal = dyingProcess(home.store, home.vault, { at: 3, when: 'after' })
    const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
    await expect(dying.changeEmail.redeem(String(link), command())).rejects.toThrow(Crash)
    expect(await person.address()).toBe('b')
    expect(await resetAt('a')).toBeUndefined() // its stream still says that it is the person's
    const request = { token: String(reset), password: 'chosen by a stranger', source: SOURCE, context: command() }
    await expect(home.reset.redeem(request)).rejects.toThrow(InvalidLink)
    await home.finish()
    const told = (await home.mails()).filter(({ to }) => to === person.at('a'))
    expect(told.map(({ subject, token }) => [subject, token])).toEqual([
      ['Your account has another address', undefined],
    ])
    expect(JSON.stringify(told)).not.toContain(person.at('b'))
    await expect(home.reset.redeem(request)).rejects.toThrow(InvalidLink)
  })
})

describe('a link for a new password', () => {
  /** Two links of one person, and something that happens while the next password is hashed. */
  async function twoLinks() {
    let meanwhile = async () => {}
    const hasher = {
      ...plainHasher,
      async hash(text: string) {
        const act = meanwhile
        meanwhile = async () => {}
        await act()
        return plainHasher.hash(text)
      },
    }
    const home = await openHousehold({ hasher })
    const person = await newPerson(home)
    const links: (string | undefined)[] = []
    for (let each = 0; each < 2; each += 1) {
      await home.reset.ask(person.at('a'), command())
      links.push((await home.mails())[0]?.token)
    }
    const set = (which: number, password: string) =>
      home.reset.redeem({ token: String(links[which]), password, source: SOURCE, context: command() }).then(
        () => 'set',
        (error: unknown) => {
          if (!(error instanceof InvalidLink)) throw error
          return 'refused'
        },
      )
    const during = (act: () => Promise<unknown>) => (meanwhile = async () => void (await act()))
    return { home, person, set, during }
  }

  it('is void once another link of the same person was redeemed, and answers its own repetition alike', async () => {
    const { set, home, person } = await twoLinks()
    expect([await set(0, 'seven grey herons'), await set(1, 'nine blue herons')]).toEqual(['set', 'refused'])
    const { epoch } = await person.state()
    expect([await set(0, 'seven grey herons'), await set(0, 'another one')]).toEqual(['set', 'refused'])
    expect((await person.state()).epoch).toBe(epoch)
    expect(await signsIn(home, { email: person.at('a'), password: 'seven grey herons' })).toBe(true)
  })

  it.each([
    ['another password', 'SetPassword'],
    ['another address', 'ChangeEmail'],
    ['the end of all sessions', 'RevokeSessions'],
  ])('is void when %s came while it was being redeemed', async (_, what) => {
    const { set, during, home, person } = await twoLinks()
    const moved = await person.ask('b')
    during(async () => {
      if (what === 'SetPassword') expect(await set(1, 'nine blue herons')).toBe('set')
      if (what === 'ChangeEmail') expect(await person.redeem(moved)).toBe('changed')
      if (what === 'RevokeSessions') await home.accounts.revokeSessions(person.sub, 'test', command())
    })
    expect(await set(0, 'seven grey herons')).toBe('refused')
  })
})

it('a link for another address is shown as long as it does something: also when a process died while it redeemed it', async () => {
  for (let at = 0; ; at += 1) {
    const { home, token } = await asked()
    const mortal = dyingProcess(home.store, home.vault, { at, when: 'before' })
    const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
    const died = await dying.changeEmail.redeem(token, command()).catch((error: unknown) => error)
    await home.finish()
    const isShown = await home.changeEmail.check(token).then(
      () => true,
      () => false,
    )
    expect(isShown, `append ${at}`).toBe(!(await signsIn(home, NEW)))
    await home.changeEmail.redeem(token, command())
    await expect(home.changeEmail.check(token)).rejects.toThrow(InvalidLink)
    if (!(died instanceof Crash)) return expect(at).toBeGreaterThan(1)
  }
})
