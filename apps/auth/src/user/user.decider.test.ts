import { expect, it } from 'vitest'
import type { Sealed } from '../log/index.ts'
import { Superseded } from './errors.ts'
import type { UserState } from './events.ts'
import { user } from './user.decider.ts'

const sealed = 'x' as Sealed
const ann: UserState = {
  sub: 'u_1',
  email: sealed,
  password: sealed,
  data_key: 'k',
  roles: [],
  entitlements: [],
  epoch: 3,
  disabled: false,
  erased: false,
  email_verified: true,
  password_set_at: 1,
  registered_at: 1,
}
const chosen = { password: sealed, now: 2 }

it.each([
  ['end all sessions', (epoch: number) => ({ type: 'RevokeSessions', reason: 'x', epoch }) as const],
  ['set a password', (epoch: number) => ({ type: 'SetPassword', reason: 'change', chosen, epoch }) as const],
])('whoever may %s at one epoch may not at another', (_, at) => {
  expect(user.decide(at(3), ann)).toMatchObject([{ data: { user: { epoch: 4 } } }])
  for (const epoch of [2, 4]) expect(() => user.decide(at(epoch), ann)).toThrow(Superseded)
})
