import { inMemoryEventStore } from '@ledgate/eventsourcing'
import { expect, it } from 'vitest'
import { Crash, dyingProcess } from '../testing/faulty-store.ts'
import { ANN, household } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import { readUser } from './index.ts'

const NEW = { ...ANN, email: 'ann.new@example.com' }

/** Somebody who asked for another address, and the link that was mailed there. */
async function asked() {
  const store = inMemoryEventStore()
  const home = await household({ store })
  const { sub } = await home.create()
  await home.finish()
  const found = await readUser(home.log, sub)
  if (found === undefined) throw new Error('nobody was made')
  await home.changeEmail.ask(found.state, NEW.email, command())
  const mail = (await home.mails()).find(({ to }) => to === NEW.email)
  return { store, home, sub, token: String(mail?.token) }
}

const signsIn = (home: Awaited<ReturnType<typeof household>>, person: typeof ANN) =>
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
      const dying = await household({ store: mortal.store, shared: { clock: home.clock, vault: mortal.vault } })
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

it('what is left of the old address tells nobody whose it was', async () => {
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
