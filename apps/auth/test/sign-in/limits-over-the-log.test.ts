import { TooManyRequests } from '@ledgate/oauth'
import { describe, expect, it, vi } from 'vitest'
import { ANN, openHousehold, plainHasher } from '../../src/testing/household.ts'
import { newId } from '../../src/log/index.ts'
import { confirmLink, createMailAllowance, requestMail, unlimitedMail } from '../../src/mail/index.ts'
import { command, everythingIn } from '../../src/testing/parts.ts'
import { openAddresses } from '../../src/email-address/index.ts'
import {
  createEvenAnswers,
  openRegister,
  createRegistrationAllowance,
  resumeMail,
  unlimitedRegistrations,
} from '../../src/account/index.ts'
import { createLoginGuard } from '../../src/sign-in/login-limits.ts'
import { createLoginRecord } from '../../src/sign-in/login-record.ts'
import { openPlaces } from '../../src/sign-in/places.ts'
import { openSignIn } from '../../src/sign-in/sign-in.ts'
import { createPasswordPolicy } from '../../src/password/index.ts'
import {
  DEFAULT_LOGIN_LIMITS,
  DEFAULT_MAIL_LIMITS,
  DEFAULT_REGISTRATION_LIMITS,
} from '../../src/config/limit-defaults.ts'

const from = (network: string, agent = 'browser') => ({ hash: `${network}/${agent}`, network, text: 'x' })

/** Sign-in of a process that starts now, over the log of the house. */
function processOf(house: Awaited<ReturnType<typeof openHousehold>>) {
  const { log, sealer, keyedHash, clock } = house
  const limits = { ...DEFAULT_LOGIN_LIMITS, sharedFailures: 10 }
  const record = createLoginRecord({ log, clock, newId, onError: () => {} })
  const places = openPlaces({ log, sealer, newId, onError: () => {} })
  const guard = createLoginGuard(limits, clock.nowMs)
  const addresses = openAddresses(keyedHash)
  const own = openSignIn({ log, sealer, hasher: plainHasher, addresses, guard, places, record, limits })
  const signIn = async (password: string, source = from('home'), username = ANN.email) => {
    const context = { ...command({ type: 'anonymous', id: '' }), source: { hash: source.hash, text: 'x' } }
    const outcome = await own.signIn({ username, password, source, context }).then(
      () => 'in',
      (error: unknown) => (error instanceof TooManyRequests ? 'waits' : 'wrong'),
    )
    await record.settled()
    return outcome
  }
  return { signIn, places }
}

describe('after a restart', () => {
  it('a source from which the user signed in before is known', async () => {
    const house = await openHousehold()
    await house.create()
    expect(await processOf(house).signIn(ANN.password)).toBe('in')
    const { signIn } = processOf(house)
    for (let bot = 0; bot < 30; bot += 1) await signIn('wrong', from(`bot ${bot}`))
    expect(await signIn(ANN.password, from('a new place'))).toBe('waits')
    expect(await signIn(ANN.password)).toBe('in')
  })

  it('a source is recorded once, and cannot be read once the user is erased', async () => {
    const house = await openHousehold()
    await house.create()
    const { signIn } = processOf(house)
    for (let times = 0; times < 5; times += 1) await signIn(ANN.password)
    await processOf(house).signIn(ANN.password)
    const stored = await everythingIn(house.store)
    expect(stored.match(/PlacesSeen/g)).toHaveLength(1)
    expect(stored).not.toContain('home/browser')
  })

  it('a source that had to wait still has to, and strangers have spent what they spent', async () => {
    const house = await openHousehold()
    await house.create()
    const before = processOf(house)
    for (let guess = 0; guess < 10; guess += 1) await before.signIn('wrong', from('thief'))
    for (let bot = 0; bot < 10; bot += 1) await before.signIn('wrong', from(`bot ${bot}`))
    const after = processOf(house)
    let looked = 0
    for (let bot = 0; bot < 10; bot += 1) if ((await after.signIn('wrong', from(`new ${bot}`))) === 'wrong') looked += 1
    expect(looked).toBeLessThan(5)
  })
})

describe('emails requested before a restart', () => {
  it('count after it, by purpose', async () => {
    const house = await openHousehold()
    await house.create()
    const { log, clock, keyedHash } = house
    for (let mail = 0; mail < 20; mail += 1) await house.reset.ask(ANN.email, { ...command(), source: from(`${mail}`) })
    const allowance = createMailAllowance(DEFAULT_MAIL_LIMITS, clock.nowMs)
    await resumeMail(log, { mayMail: allowance, mayRegister: unlimitedRegistrations, nowMs: clock.nowMs })
    const ask = { hmac: openAddresses(keyedHash).hmac(ANN.email), source: from('stranger') }
    expect(allowance({ ...ask, purpose: 'reset' })).toBe(false)
    expect(allowance({ ...ask, purpose: 'confirm' })).toBe(true)
    expect(allowance({ ...ask, purpose: 'reset', isKnown: true })).toBe(true)
    clock.advance(3600)
    const later = createMailAllowance(DEFAULT_MAIL_LIMITS, clock.nowMs)
    await resumeMail(log, { mayMail: later, mayRegister: unlimitedRegistrations, nowMs: clock.nowMs })
    expect(later({ ...ask, purpose: 'reset' })).toBe(true)
  })

  it('count after it however many others were asked for since: made-up registrations push none of them out', async () => {
    const house = await openHousehold()
    await house.create()
    const { log, sealer, clock, keyedHash } = house
    for (let mail = 0; mail < 20; mail += 1) await house.reset.ask(ANN.email, { ...command(), source: from(`${mail}`) })
    const dataKey = await sealer.createDataKey()
    const made = { template: 'confirm-address', to: 'x@example.com', dataKey, isOwnKey: false } as const
    for (let each = 0; each < 2_100; each += 1) {
      const bound = { email_hmac: `made-up-${each}`, reservation_id: newId(), now: clock.now() }
      const link = await confirmLink(house.derivationKeys, bound)
      await requestMail(log, sealer, { ...made, mailId: newId(), link, context: command() })
    }
    const mayMail = createMailAllowance(DEFAULT_MAIL_LIMITS, clock.nowMs)
    const mayRegister = createRegistrationAllowance({ ...DEFAULT_REGISTRATION_LIMITS, inAll: 2_200 }, clock.nowMs)
    await resumeMail(log, { mayMail, mayRegister, nowMs: clock.nowMs })
    const ask = { hmac: openAddresses(keyedHash).hmac(ANN.email), source: from('stranger') }
    expect(mayMail({ ...ask, purpose: 'reset' })).toBe(false)
    const left = Array.from({ length: 200 }, (_, n) => from(`network ${n}`)).filter((source) => {
      try {
        mayRegister(source)
        return true
      } catch {
        return false
      }
    })
    expect(left).toHaveLength(100)
  })
})

describe('what strangers make the log write', () => {
  it('is nothing, when they request a password reset for an unknown address', async () => {
    const house = await openHousehold()
    await house.create()
    const before = await house.store.head()
    const made = vi.spyOn(house.vault, 'putIfAbsent')
    for (let times = 0; times < 50; times += 1)
      await house.reset.ask(`nobody-${times}@example.com`, { ...command(), source: from(`${times}`) })
    expect(await house.store.head()).toBe(before)
    expect(made).not.toHaveBeenCalled()
  })

  it('is bounded by source and in all, when they register', async () => {
    const house = await openHousehold()
    const { log, sealer, keyedHash, clock } = house
    const linkKeys = house.dependencies.derivationKeys
    const limits = { perSource: 5, inAll: 20, period: 3600, remembered: 1000 }
    const { register } = openRegister({
      log,
      sealer,
      hasher: plainHasher,
      policy: createPasswordPolicy(),
      addresses: openAddresses(keyedHash),
      linkKeys,
      mayMail: unlimitedMail,
      mayRegister: createRegistrationAllowance(limits, clock.nowMs),
      clock,
      newId,
    })
    const tries = async (network: string, times: number) => {
      let taken = 0
      for (let person = 0; person < times; person += 1) {
        const account = { email: `${network}-${person}@example.com`, password: ANN.password }
        const refused = await register(account, { ...command(), source: from(network, `agent ${person}`) }).catch(
          (error: unknown) => error,
        )
        if (refused === undefined) taken += 1
        else expect(refused).toBeInstanceOf(TooManyRequests)
      }
      return taken
    }
    expect(await tries('one', 30)).toBe(5)
    let taken = 0
    for (let bot = 0; bot < 20; bot += 1) taken += await tries(`bot-${bot}`, 3)
    expect(taken).toBe(15)
    expect((await everythingIn(house.store)).match(/EmailReserved/g)).toHaveLength(20)
  })
})

describe('an even answer', () => {
  it('comes at a whole step after the question, whatever was done until then and whether it failed', async () => {
    const waits: number[] = []
    const evenly = createEvenAnswers(200, async (ms) => void waits.push(ms))
    expect(await evenly(async () => 'done')).toBe('done')
    await expect(evenly(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed')
    for (const wait of waits) {
      expect(wait).toBeGreaterThan(0)
      expect(wait).toBeLessThanOrEqual(200)
    }
    expect(waits).toHaveLength(2)
  })
})
