import { type EventStore, inMemoryEventStore, Unavailable } from '@ledgate/eventsourcing'
import { InvalidGrant } from '@ledgate/oauth'
import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { changeUser, userStream } from '../../src/user/index.ts'
import { slowStore } from '../../src/testing/faulty-store.ts'
import { ANN, type Household, openHousehold, plainHasher } from '../../src/testing/household.ts'
import { command } from '../../src/testing/parts.ts'

const DAY = 86_400
const ATTEMPT = 'an-attempt-of-a-client'

async function withAnn(options: Parameters<typeof openHousehold>[0] = {}): Promise<Household> {
  const house = await openHousehold(options)
  await house.create()
  return house
}

const refused = (renewal: Promise<unknown>) => expect(renewal).rejects.toThrow(InvalidGrant)

describe('a renewal', () => {
  it('is answered again for one attempt a hundred times within the hour, always with the same successor', async () => {
    const { signedIn, refresh, clock } = await withAnn()
    const { refresh_token } = await signedIn()
    const first = await refresh(refresh_token, ATTEMPT)
    for (let times = 0; times < 100; times += 1) {
      if (times === 99) clock.advance(3599)
      expect((await refresh(refresh_token, ATTEMPT)).refresh_token).toBe(first.refresh_token)
    }
    await refused(refresh(refresh_token, ATTEMPT))
    expect((await refresh(first.refresh_token)).refresh_token).not.toBe(first.refresh_token)
  })

  it('is not answered again an hour later, and that ends nothing', async () => {
    const { signedIn, refresh, clock } = await withAnn()
    const { refresh_token } = await signedIn()
    const first = await refresh(refresh_token, ATTEMPT)
    clock.advance(3600)
    await refused(refresh(refresh_token, ATTEMPT))
    await refresh(first.refresh_token)
  })

  it.each(['web', 'page'])('of %s has a grace of ten seconds, with a secret and without', async (client) => {
    const { signedIn, refresh, clock } = await withAnn()
    const first = await signedIn(client)
    const { refresh_token } = await refresh(first.refresh_token, undefined, client)
    clock.advance(9)
    expect((await refresh(first.refresh_token, undefined, client)).refresh_token).toBe(refresh_token)
    clock.advance(1)
    await refused(refresh(first.refresh_token, undefined, client))
    await refused(refresh(refresh_token, undefined, client)) // that was reuse
  })

  it('has the grace that its client was registered with', async () => {
    const { addClient, signedIn, refresh, clock } = await withAnn()
    await addClient('patient', { token_endpoint_auth_method: 'none', refresh_token_grace: 60 })
    const { refresh_token } = await signedIn('patient')
    const successor = await refresh(refresh_token, undefined, 'patient')
    clock.advance(59)
    expect((await refresh(refresh_token, undefined, 'patient')).refresh_token).toBe(successor.refresh_token)
    await addClient('strict', { token_endpoint_auth_method: 'none', refresh_token_grace: 0 })
    const spent = (await signedIn('strict')).refresh_token
    await refresh(spent, undefined, 'strict')
    await refused(refresh(spent, undefined, 'strict'))
  })

  it('after the derivation key was rotated takes the old token, gives the old answer again, and new ones with the new key', async () => {
    const { signedIn, refresh, derivationKeys } = await withAnn()
    const { refresh_token } = await signedIn()
    const old = (await derivationKeys.read()).current
    const second = await refresh(refresh_token, ATTEMPT)
    await derivationKeys.rotate(command())
    expect((await derivationKeys.read()).current).not.toBe(old)
    expect((await refresh(refresh_token, ATTEMPT)).refresh_token).toBe(second.refresh_token)
    const third = await refresh(second.refresh_token, 'another-attempt')
    expect(third.refresh_token?.split('.')[1]).toBe((await derivationKeys.read()).current)
    expect((await refresh(second.refresh_token, 'another-attempt')).refresh_token).toBe(third.refresh_token)
    await refresh(third.refresh_token)
  })

  it('ends with the idle lifetime, moved on by each renewal, and with the absolute one at the latest', async () => {
    const { addClient, signedIn, refresh, clock, lives } = await withAnn()
    const [idle, absolute] = [10 * DAY, 25 * DAY]
    await addClient('weekly', { refresh_token_idle_expires_in: idle, refresh_token_expires_in: absolute })
    const forgotten = await signedIn('weekly')
    let used = await signedIn('weekly')
    clock.advance(9 * DAY)
    used = await refresh(used.refresh_token, undefined, 'weekly')
    clock.advance(DAY)
    await refused(refresh(forgotten.refresh_token, undefined, 'weekly'))
    clock.advance(8 * DAY)
    used = await refresh(used.refresh_token, undefined, 'weekly')
    clock.advance(7 * DAY - 1)
    used = await refresh(used.refresh_token, undefined, 'weekly')
    expect(await lives(used.access_token)).toBe(true)
    clock.advance(1)
    await refused(refresh(used.refresh_token, undefined, 'weekly'))
    expect(await lives(used.access_token)).toBe(false)
  })

  it('is one successor for 64 at once whatever order the store answers in, also over two processes', async () => {
    const store = slowStore(inMemoryEventStore())
    const one = await withAnn({ store })
    const other = await openHousehold({ store, shared: one })
    for (let round = 0; round < rounds({ quick: 2, long: 20 }); round += 1) {
      const { refresh_token } = await one.signedIn()
      const answers = await Promise.all(
        Array.from({ length: 64 }, (_, index) => (index % 2 ? one : other).refresh(refresh_token, ATTEMPT)),
      )
      expect(new Set(answers.map((answer) => answer.refresh_token)).size).toBe(1)
      await one.refresh(answers[0]?.refresh_token)
    }
  })
})

describe('what ends tokens', () => {
  it.each([
    ['a person is disabled', (house: Household) => house.accounts.disable(ANN.email, 'test', command())],
    [
      'the sessions of a person are ended',
      (house: Household) => house.accounts.revokeSessions(ANN.email, 'test', command()),
    ],
    [
      'a role is taken away',
      (house: Household) => house.accounts.assignRoles(ANN.email, { roles: [], entitlements: [] }, command()),
    ],
    [
      'a client is disabled',
      (house: Household) => house.clients.change('web', { type: 'Disable', reason: 'test' }, command()),
    ],
  ])('%s: every token from before is dead, and those from afterwards live', async (what, end) => {
    const house = await withAnn()
    await house.accounts.assignRoles(ANN.email, { roles: ['buyer'], entitlements: [] }, command())
    const before = await house.signedIn()
    expect(await house.lives(before.access_token)).toBe(true)
    await end(house)
    expect(await house.lives(before.access_token)).toBe(false)
    expect(await house.lives(String(before.refresh_token))).toBe(false)
    await refused(house.refresh(before.refresh_token))
    if (what === 'a person is disabled') await house.accounts.enable(ANN.email, command())
    if (what === 'a client is disabled') await house.clients.change('web', { type: 'Enable' }, command())
    expect(await house.lives(before.access_token)).toBe(false) // an epoch never falls
    await refused(house.refresh(before.refresh_token))
    expect(await house.lives((await house.signedIn()).access_token)).toBe(true) // in the same second
  })

  it('disabling a user does not affect the tokens of clients or of other users', async () => {
    const house = await withAnn()
    const bob = { email: 'bob@example.com', password: 'seven grey herons' }
    await house.create(bob)
    const { access_token } = await house.signedIn('web', bob)
    await house.accounts.disable(ANN.email, 'test', command())
    expect(await house.lives(access_token)).toBe(true)
  })

  /** Does something to the person between the check of the password and whatever follows. */
  async function racing(meanwhile: (house: Household) => Promise<unknown>) {
    let act = async (): Promise<unknown> => undefined
    const house: Household = await withAnn({
      hasher: {
        ...plainHasher,
        async verify(phc, text) {
          const fits = await plainHasher.verify(phc, text)
          await act()
          return fits
        },
      },
    })
    act = () => meanwhile(house)
    const answer = await house.signedIn()
    act = async () => undefined
    return { house, answer }
  }

  it('a sign-in with the old password that races a reset gets tokens that are dead on arrival', async () => {
    const { house, answer } = await racing(async ({ accounts, log, clock, sealer }) => {
      const sub = String(await accounts.findSub(ANN.email))
      const [newest] = await log.last(userStream.of(sub))
      if (newest === undefined || !('user' in newest.data)) throw new Error('there is nobody')
      const sealed = await sealer.seal(newest.data.user.data_key, 'password', 'plain:a new one')
      const chosen = { password: sealed, now: clock.now() }
      await changeUser(log, sub, { type: 'SetPassword', reason: 'reset', chosen }, command())
    })
    expect(await house.lives(answer.access_token)).toBe(false)
    await refused(house.refresh(answer.refresh_token))
    await refused(house.signedIn())
    const fresh = await house.signedIn('web', { ...ANN, password: 'a new one' })
    expect(await house.lives(fresh.access_token)).toBe(true)
  })

  it('a sign-in that races a disabling gets tokens that are dead on arrival', async () => {
    const { house, answer } = await racing(({ accounts }) => accounts.disable(ANN.email, 'test', command()))
    expect(await house.lives(answer.access_token)).toBe(false)
    await refused(house.refresh(answer.refresh_token))
  })

  it('the same race without anything happening gives tokens that live: the control', async () => {
    const { house, answer } = await racing(async () => undefined)
    expect(await house.lives(answer.access_token)).toBe(true)
  })

  it('whichever of a renewal and a revocation is first, nothing lives after both', async () => {
    const store = slowStore(inMemoryEventStore(), 2)
    const house = await withAnn({ store })
    for (let round = 0; round < rounds({ quick: 8, long: 100 }); round += 1) {
      const { refresh_token } = await house.signedIn()
      const [renewed] = await Promise.allSettled([house.refresh(refresh_token), house.revoke(String(refresh_token))])
      if (renewed.status === 'rejected') continue
      expect(await house.lives(renewed.value.access_token)).toBe(false)
      await refused(house.refresh(renewed.value.refresh_token))
    }
  })
})

describe('issuing', () => {
  /** The store, and a switch that makes its appends do something else. */
  function switchable(store: EventStore = inMemoryEventStore()) {
    let instead: (() => Promise<never>) | undefined
    return {
      store: {
        ...store,
        append: (...request) => instead?.() ?? store.append(...request),
      } satisfies EventStore,
      fail: (with_: () => Promise<never>) => (instead = with_),
    }
  }

  it('gives no token when its event could not be appended', async () => {
    const { store, fail } = switchable()
    const { signedIn, refresh } = await withAnn({ store })
    const { refresh_token } = await signedIn()
    fail(() => Promise.reject(new Unavailable('the disk is full')))
    await expect(signedIn()).rejects.toThrow(Unavailable)
    await expect(refresh(refresh_token)).rejects.toThrow(Unavailable)
  })

  it('signs nothing before its event was appended', async () => {
    const inner = inMemoryEventStore()
    const order: string[] = []
    const store: EventStore = {
      ...inner,
      async append(stream, events, options) {
        await new Promise(setImmediate)
        const done = await inner.append(stream, events, options)
        if (events.some(({ type }) => type === 'TokenIssued')) order.push('appended')
        return done
      },
    }
    const house = await withAnn({ store })
    const { refresh_token } = await house.signedIn()
    const { signingKeys } = house
    const { read } = signingKeys
    signingKeys.read = async () => {
      const { signer, ...others } = await read()
      return { ...others, signer: { ...signer, sign: (...claims) => (order.push('signed'), signer.sign(...claims)) } }
    }
    order.length = 0
    await house.signedIn()
    await house.refresh(refresh_token)
    expect(order).toEqual(['appended', 'signed', 'appended', 'signed'])
  })

  it('records every token that it gives, by its jti', async () => {
    const { signedIn, refresh, log } = await withAnn()
    const first = await signedIn()
    const given = [first, await refresh(first.refresh_token)].map(({ access_token }) => decodeJwt(access_token).jti)
    const recorded: unknown[] = []
    for await (const { type, data } of log.store.readAll()) if (type === 'TokenIssued') recorded.push(data['jti'])
    expect(recorded).toEqual(given)
  })
})
