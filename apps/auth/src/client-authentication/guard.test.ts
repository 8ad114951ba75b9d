import { formatBasic, InvalidClient, NewClientMetadata, TooManyRequests } from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { command, openParts } from '../testing/parts.ts'
import { createClientGuard } from './guard.ts'
import { type ClientLimits } from '../config/index.ts'
import { DEFAULT_CLIENT_LIMITS } from '../config/limit-defaults.ts'
import { ASSERTION_TYPE } from './assertion.ts'
import { createClientAuthentication } from './authentication.ts'

const SECRET = 'a secret of the client'
const LIMITS: ClientLimits = { ...DEFAULT_CLIENT_LIMITS, remembered: 1000 }

/** Where a request comes from: hosts of one network differ by their agent. */
const from = (network: string, agent = 'sdk') => ({ hash: `${network} ${agent}`, network, text: 'x' })

async function world(limits = LIMITS) {
  const made = openParts()
  const { log, keyedHash, clock, clients } = made
  const metadata = NewClientMetadata.parse({ grant_types: ['password'] })
  for (const client_id of ['web', 'other', 'third'])
    await clients.register({ client_id, client_secret: SECRET, metadata }, command())
  const page = NewClientMetadata.parse({ grant_types: ['password'], token_endpoint_auth_method: 'none' })
  await clients.register({ client_id: 'page', metadata: page }, command())
  const guard = createClientGuard(limits, clock.nowMs)
  const authentication = createClientAuthentication({ log, keyedHash, clock, issuer: 'https://id.example', guard })
  const ask = (body: Record<string, unknown>, authorization: string | undefined, source: ReturnType<typeof from>) =>
    authentication
      .client({ body, authorization, endpoint: '/oauth2/token', context: { ...command(), source } })
      .then(() => 200)
      .catch((error: unknown) => {
        if (error instanceof TooManyRequests || error instanceof InvalidClient) return error.status
        throw error
      })
  const tell = (clientId: string, clientSecret: string, source: ReturnType<typeof from>) =>
    ask({}, formatBasic({ clientId, clientSecret }), source)
  return { clock, ask, tell }
}

describe('guesses at the secret of a client', () => {
  it('delay their network, whatever user agent it sends, and no other', async () => {
    const { tell, clock } = await world()
    const statuses: number[] = []
    for (let guess = 0; guess < 8; guess += 1) statuses.push(await tell('web', `${guess}`, from('thief', `a${guess}`)))
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429, 429])
    expect(await tell('web', SECRET, from('thief', 'new'))).toBe(429)
    expect(await tell('web', SECRET, from('home'))).toBe(200)
    expect(await tell('other', SECRET, from('thief'))).toBe(200)
    clock.advance(1)
    expect(await tell('web', SECRET, from('thief', 'new'))).toBe(200)
  })

  it('never delay the right secret of a source that did not fail, though the whole world guesses', async () => {
    const { tell } = await world()
    const network = fc.nat(40).map((host) => from(`bot ${host}`))
    await fc.assert(
      fc.asyncProperty(fc.array(network, { maxLength: 60 }), fc.nat(1_000_000), async (bots, host) => {
        await Promise.all(bots.map((bot) => tell('web', 'wrong', bot)))
        expect(await tell('web', SECRET, from(`honest ${host}`))).toBe(200)
      }),
      { numRuns: rounds({ quick: 30, long: 500 }) },
    )
  })

  it('do not delay a source of the same network that authenticated before', async () => {
    const { tell } = await world()
    expect(await tell('web', SECRET, from('office'))).toBe(200)
    for (let guess = 0; guess < 20; guess += 1) await tell('web', 'wrong', from('office', `bot ${guess}`))
    expect(await tell('web', SECRET, from('office'))).toBe(200)
    expect(await tell('web', SECRET, from('office', 'never seen'))).toBe(429)
  })

  it('at once are no more than one after the other', async () => {
    const { tell } = await world()
    const statuses = await Promise.all(Array.from({ length: 200 }, () => tell('web', 'wrong', from('thief'))))
    expect(statuses.filter((status) => status === 401)).toHaveLength(LIMITS.freeFailures)
  })

  it('at many made-up names count together, and do not bring back those at a real one', async () => {
    const { tell } = await world()
    for (let guess = 0; guess < 6; guess += 1) await tell('web', 'wrong', from('thief'))
    let looked = 0
    for (let name = 0; name < 500; name += 1)
      if ((await tell(`made-up-${name}`, 'x', from('thief'))) === 401) looked += 1
    expect(looked).toBeLessThanOrEqual(LIMITS.namesPerSource + LIMITS.freeFailures)
    expect(await tell('web', SECRET, from('thief'))).toBe(429)
    expect(await tell('web', SECRET, from('home'))).toBe(200)
  })

  it('are not forgiven for a client of the guesser', async () => {
    const { tell } = await world({ ...LIMITS, namesPerSource: 2 })
    for (const name of ['made-up-1', 'made-up-2']) await tell(name, 'x', from('thief'))
    let looked = 0
    for (let guess = 0; guess < 50; guess += 1) {
      if ((await tell('web', 'wrong', from('thief', `${guess}`))) === 401) looked += 1
      await tell('other', SECRET, from('thief', `${guess}`))
    }
    expect(looked).toBe(LIMITS.freeFailures)
  })

  it('with signatures made for nothing are limited the same', async () => {
    const { ask } = await world()
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const jwt = (sub: string) => `${part({ alg: 'ES256' })}.${part({ iss: sub, sub })}.${'A'.repeat(86)}`
    const guess = (sub: string) =>
      ask({ client_assertion: jwt(sub), client_assertion_type: ASSERTION_TYPE }, undefined, from('thief'))
    const statuses = await Promise.all(Array.from({ length: 100 }, () => guess('web')))
    expect(statuses.filter((status) => status === 401)).toHaveLength(LIMITS.freeFailures)
    expect(await guess('web')).toBe(429)
  })

  it('of one who gives no secret are limited too, and no public client is', async () => {
    const { ask } = await world()
    const statuses: number[] = []
    for (let name = 0; name < 7; name += 1)
      statuses.push(await ask({ client_id: `n${name}` }, undefined, from('thief')))
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    expect(await ask({ client_id: 'page' }, undefined, from('thief'))).toBe(200)
  })

  it('are forgotten after a while', async () => {
    const { tell, clock } = await world()
    for (let guess = 0; guess < 5; guess += 1) await tell('web', 'wrong', from('thief'))
    clock.advance(LIMITS.forgetAfter + 1)
    const statuses: number[] = []
    for (let guess = 0; guess < 6; guess += 1) statuses.push(await tell('web', 'wrong', from('thief')))
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429])
  })
})
