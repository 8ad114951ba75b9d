import { expect, it } from 'vitest'
import { createHandClock } from '../testing/parts.ts'
import { DEFAULT_MAIL_LIMITS } from '../config/limit-defaults.ts'
import { createMailAllowance } from './mail-allowance.ts'

const ANN = 'hash-of-anns-address'
const from = (network: string) => ({ hash: `${network} agent`, network, text: 'x' })

function world() {
  const clock = createHandClock()
  const allow = createMailAllowance(DEFAULT_MAIL_LIMITS, clock.nowMs)
  const asks = (purpose: 'confirm' | 'reset' | 'change-email', network: string, times: number, isKnown = false) =>
    Array.from({ length: times }, () => allow({ purpose, hmac: ANN, source: from(network), isKnown })).filter(Boolean)
      .length
  return { clock, allow, asks }
}

it('allows one source five emails an hour to an address, for each purpose', () => {
  const { clock, asks } = world()
  expect(asks('confirm', 'stranger', 8)).toBe(5)
  expect(asks('reset', 'stranger', 8)).toBe(5)
  expect(asks('change-email', 'stranger', 8)).toBe(5)
  clock.advance(3600)
  expect(asks('confirm', 'stranger', 8)).toBe(5)
})

it('leaves a user the emails for a password reset, whatever other sources register', () => {
  const { asks } = world()
  for (let stranger = 0; stranger < 100; stranger += 1) asks('confirm', `stranger ${stranger}`, 10)
  expect(asks('reset', 'home', 1)).toBe(1)
})

it('leaves a user at a known source theirs, whatever other sources request', () => {
  const { asks } = world()
  let sent = 0
  for (let stranger = 0; stranger < 1000; stranger += 1) sent += asks('reset', `stranger ${stranger}`, 10)
  expect(sent).toBe(20)
  expect(asks('reset', 'a new place', 1)).toBe(0)
  expect(asks('reset', 'home', 8, true)).toBe(5)
})

it('goes on from what the log has of the last hour', () => {
  const { clock, allow, asks } = world()
  for (let mail = 0; mail < 30; mail += 1) allow.resume({ purpose: 'reset', hmac: ANN }, clock.nowMs() - 1000)
  expect(asks('reset', 'stranger', 1)).toBe(0)
  expect(asks('confirm', 'stranger', 1)).toBe(1)
  expect(asks('reset', 'home', 1, true)).toBe(1)
})

it('limits the emails that one source causes', () => {
  const { allow } = world()
  let sent = 0
  for (let person = 0; person < 1000; person += 1)
    if (allow({ purpose: 'reset', hmac: `person ${person}`, source: from('stranger') })) sent += 1
  expect(sent).toBe(100)
})
