import { expect, it } from 'vitest'
import { ADMINISTRATOR } from '../administrator/index.ts'
import { ANN, household } from '../testing/household.ts'
import { command } from '../testing/parts.ts'
import { setup } from './setup.ts'

it('the token of the console is good for an hour, and while there is nobody', async () => {
  const { administrators, clock, accounts } = await household()
  const { token, accepts } = setup(administrators, clock)
  expect([await accepts(token), await accepts(`${token}x`), await accepts('')]).toEqual([true, false, false])
  clock.advance(3_599)
  expect(await accepts(token)).toBe(true)
  clock.advance(1)
  expect(await accepts(token)).toBe(false)
  const later = setup(administrators, clock)
  await accounts.create({ ...ANN, roles: [ADMINISTRATOR] }, command())
  expect(await later.accepts(later.token)).toBe(false)
})
