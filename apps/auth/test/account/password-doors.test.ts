import { expect, it } from 'vitest'
import { type Household, openHousehold, ANN, SOURCE } from '../../src/testing/household.ts'
import { command } from '../../src/testing/parts.ts'
import { InvalidPassword } from '../../src/password/index.ts'

const asked = () => ({ ...command({ type: 'anonymous', id: '' }), source: SOURCE })
const tokenOf = async (home: Household) => String((await home.mails()).at(-1)?.token)

/** Every way by which somebody chooses a password; each is prepared, and then taken with one. */
const DOORS: Readonly<Record<string, (home: Household) => Promise<(password: string) => Promise<unknown>>>> = {
  registration: async (home) => (password) => home.registration.register({ ...ANN, password }, asked()),

  async confirmation(home) {
    await home.registration.register(ANN, asked())
    await home.finish()
    const token = await tokenOf(home)
    return (password) =>
      home.confirm.confirm({ token, proof: { kind: 'new', password }, source: SOURCE, context: asked() })
  },

  async change(home) {
    const { sub } = await home.create()
    const proof = { sub, password: ANN.password, source: SOURCE }
    return (password) => home.ownPassword.change({ ...proof, context: asked() }, password)
  },

  async reset(home) {
    await home.create()
    await home.reset.ask(ANN.email, asked())
    const token = await tokenOf(home)
    return (password) => home.reset.redeem({ token, password, source: SOURCE, context: asked() })
  },
}

it.each(Object.entries(DOORS))(
  'a password that comes in by %s is looked at by the policy first',
  async (_, prepare) => {
    const home = await openHousehold()
    const choose = await prepare(home)
    const before = await home.store.head()
    for (const password of ['2 short', 'l'.repeat(257), ANN.email])
      await expect(choose(password)).rejects.toThrow(InvalidPassword)
    expect(await home.store.head()).toBe(before)
    await choose('nine blue herons')
    expect(await home.store.head()).not.toBe(before)
  },
)
