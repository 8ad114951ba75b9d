import Fastify from 'fastify'
import { expect, it } from 'vitest'
import { createPasswordPolicy } from '../../password/index.ts'
import { readUser } from '../../user/index.ts'
import { ADMINISTRATOR, AlreadySetUp, TooManyAdministrators } from '../administrators/index.ts'
import { installErrorHandler } from '../../http/index.ts'
import { ANN, openHousehold } from '../../testing/household.ts'
import { command } from '../../testing/parts.ts'
import { openSetup, setupRoutes } from './setup.ts'

it('the setup token is valid for an hour, while there is no administrator', async () => {
  const { administrators, clock, accounts } = await openHousehold()
  const { token, accepts } = openSetup(administrators, clock)
  expect([await accepts(token), await accepts(`${token}x`), await accepts('')]).toEqual([true, false, false])
  clock.advance(3_599)
  expect(await accepts(token)).toBe(true)
  clock.advance(1)
  expect(await accepts(token)).toBe(false)
  const later = openSetup(administrators, clock)
  await accounts.create({ ...ANN, roles: [ADMINISTRATOR] }, command())
  expect(await later.accepts(later.token)).toBe(false)
})

it.each([
  ['it is full', TooManyAdministrators],
  ['somebody else was first', AlreadySetUp],
])('somebody who does not come onto the list has no role by it, either: %s', async (_, Refusal) => {
  const home = await openHousehold()
  const { administrators, clock, log } = home
  const full = { addFirst: () => Promise.reject(new Refusal()) }
  const app = Fastify()
  app.setValidatorCompiler(() => () => true)
  app.setSerializerCompiler(() => JSON.stringify)
  installErrorHandler(app)
  const first = openSetup(administrators, clock)
  const requests = { of: () => command() } as never
  await app.register(setupRoutes, {
    ...home,
    setup: first,
    administrators: full,
    policy: createPasswordPolicy(),
    requests,
  })
  const payload = { token: first.token, ...ANN }
  const answer = await app.inject({ method: 'POST', url: '/admin/setup', payload })
  expect([answer.statusCode, answer.json().error]).toEqual([403, 'access_denied'])
  const sub = String(await home.accounts.findSub(ANN.email))
  expect((await readUser(log, sub))?.state.roles).toEqual([])
})
