import { inMemoryEventStore } from '@ledgate/eventsourcing'
import { ERASED } from '@ledgate/vault'
import { expect, it } from 'vitest'
import { Crash, dyingProcess } from '../testing/faulty-store.ts'
import { ANN, openHousehold } from '../testing/household.ts'
import { command, everythingIn } from '../testing/parts.ts'
import { readUser, UnknownAccount } from '../user/index.ts'

it('an erased user can no longer sign in, and can register again as a new user', async () => {
  const home = await openHousehold()
  const { sub } = await home.create()
  const { access_token, refresh_token } = await home.signedIn()
  await home.accounts.erase(ANN.email, 'asked for', command())
  expect(await home.lives(access_token)).toBe(false)
  expect(await home.lives(String(refresh_token))).toBe(false)
  await expect(home.signedIn()).rejects.toMatchObject({ error: 'invalid_grant' })
  expect(await home.accounts.findSub(ANN.email)).toBeUndefined()
  const state = (await readUser(home.log, sub))?.state
  expect(state?.erased).toBe(true)
  for (const field of ['email', 'password'] as const)
    expect(state && (await home.sealer.unseal(state[field], field))).toBe(ERASED)
  await expect(home.accounts.erase(ANN.email, 'again', command())).rejects.toThrow(UnknownAccount)
  const again = await home.create()
  expect(again).toMatchObject({ isNew: true })
  expect(again.sub).not.toBe(sub)
  expect(await everythingIn(home.store)).not.toContain(ANN.email)
})

it.each(['before', 'after'] as const)('an erasure that was cut off %s any append is finished', async (when) => {
  for (let at = 0; ; at += 1) {
    const store = inMemoryEventStore()
    const home = await openHousehold({ store })
    const { sub } = await home.create()
    await home.finish()
    const mortal = dyingProcess(store, home.vault, { at, when })
    const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
    const died = await dying.accounts.erase(sub, 'asked for', command()).catch((error: unknown) => error)
    await home.finish()
    const state = (await readUser(home.log, sub))?.state
    if (state?.erased) {
      expect(await home.sealer.unseal(state.email, 'email')).toBe(ERASED)
      expect(await home.create()).toMatchObject({ isNew: true })
    } else expect(await home.signedIn()).toBeDefined() // nothing was acknowledged, and nothing was done
    if (!(died instanceof Crash)) return expect(at).toBeGreaterThan(0)
    expect(at).toBeLessThan(10)
  }
})

it('an address whose owner’s erasure was interrupted is available to a new user at once', async () => {
  for (let at = 1; ; at += 1) {
    const home = await openHousehold()
    const { sub } = await home.create()
    const mortal = dyingProcess(home.store, home.vault, { at, when: 'before' })
    const dying = await openHousehold({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
    const died = await dying.accounts.erase(sub, 'asked for', command()).catch((error: unknown) => error)
    const made = await home.create()
    expect(made).toMatchObject({ isNew: true })
    expect(made.sub).not.toBe(sub)
    await home.finish()
    expect(await home.accounts.findSub(ANN.email)).toBe(made.sub)
    expect(await home.signedIn()).toBeDefined()
    if (!(died instanceof Crash)) return expect(at).toBeGreaterThan(1)
  }
})
