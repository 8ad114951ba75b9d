import { InvalidGrant } from '@ledgate/oauth'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { ClientMetadata } from '@ledgate/oauth'
import { readGrant } from '../../src/grant/index.ts'
import { changeSession } from '../../src/session/index.ts'
import { ANN, type Household, openHousehold } from '../../src/testing/household.ts'
import { command } from '../../src/testing/parts.ts'

const DAY = 86_400
const SPENT_BY = 'the-attempt-that-spent'

/** What else may be in the request; none of it is what spent the token. */
const parameters = fc.record(
  {
    scope: fc.oneof(fc.constantFrom('', 'plain', 'beyond', '"', ' ', 'a'.repeat(5_000)), fc.string()),
    resource: fc.oneof(
      fc.constantFrom('https://nobody.example/', 'http://127.0.0.1:4040', '#'),
      fc.array(fc.string(), { maxLength: 3 }),
      fc.string(),
    ),
    refresh_attempt: fc.oneof(fc.constantFrom('x', 'another-attempt', ' '), fc.string({ minLength: 1 })),
    client_id: fc.string(),
    token_type_hint: fc.string(),
  },
  { requiredKeys: [] },
)

const REASON = { reason: 'a test' } as const

/** What may have happened meanwhile to those whom the grant depends on. */
const circumstances: Readonly<Record<string, (house: Household, sid: string) => Promise<unknown> | void>> = {
  nothing: () => undefined,
  'the session was revoked': ({ log }, sid) =>
    changeSession(log, sid, { type: 'Revoke', ...REASON }, { context: command() }),
  'the session has ended': ({ log }, sid) =>
    changeSession(log, sid, { type: 'End', ...REASON }, { context: command() }),
  'the user is disabled': ({ accounts }) => accounts.disable(ANN.email, 'a test', command()),
  'the user was erased': ({ accounts }) => accounts.erase(ANN.email, 'a test', command()),
  'the client lost the grant type': ({ clients }) => {
    const metadata = ClientMetadata.parse({ grant_types: ['password'], token_endpoint_auth_method: 'none' })
    return clients.change('page', { type: 'Update', metadata }, command())
  },
  'all tokens were ended': ({ installation }) => installation.endAllTokens('a test', command()),
  'the refresh token has expired': ({ clock }) => clock.advance(15 * DAY),
  'the grant has expired': ({ clock }) => clock.advance(31 * DAY),
}

const of = async ({ log }: Household, refreshToken: unknown) => {
  const found = await readGrant(log, String(refreshToken).split('.')[2] ?? '')
  if (found === undefined) throw new Error('there is no grant')
  return found.state
}

describe('a spent refresh token that comes back outside its allowances', () => {
  it('ends the grant, whatever else the request says and whatever has ended meanwhile', async () => {
    const property = fc.asyncProperty(
      parameters,
      fc.constantFrom(...Object.keys(circumstances)),
      fc.integer({ min: 1, max: 4 }),
      async (more, circumstance, generations) => {
        const house = await openHousehold()
        await house.create()
        const { refresh_token: spent } = await house.signedIn('page')
        let newest = spent
        for (let times = 0; times < generations; times += 1)
          newest = (await house.refresh(newest, `${SPENT_BY}-${times}`, 'page')).refresh_token
        await circumstances[circumstance]?.(house, (await of(house, spent)).sid)
        await expect(house.refresh(spent, undefined, 'page', more)).rejects.toThrow(InvalidGrant)
        expect((await of(house, spent)).revoked).toBe(true)
      },
    )
    await fc.assert(property, { numRuns: rounds({ quick: 20, long: 400, soak: 2_000 }) })
  })

  it('ends nothing within them, whatever else the request says', async () => {
    const property = fc.asyncProperty(parameters, fc.integer({ min: 1, max: 4 }), async (more, generations) => {
      const house = await openHousehold()
      await house.create()
      const { refresh_token: spent } = await house.signedIn('page')
      let newest = spent
      for (let times = 0; times < generations; times += 1)
        newest = (await house.refresh(newest, `${SPENT_BY}-${times}`, 'page')).refresh_token
      const { refresh_attempt: _, ...others } = more
      await house.refresh(spent, `${SPENT_BY}-0`, 'page', others).catch(() => undefined)
      expect((await of(house, spent)).revoked).toBe(false)
      await house.refresh(newest, undefined, 'page')
    })
    await fc.assert(property, { numRuns: rounds({ quick: 12, long: 200, soak: 1_000 }) })
  })

  it('is not another client’s to show: it changes nothing', async () => {
    const house = await openHousehold()
    await house.create()
    const { refresh_token: spent } = await house.signedIn('page')
    const { refresh_token } = await house.refresh(spent, `${SPENT_BY}-0`, 'page')
    await expect(house.refresh(spent, undefined, 'web')).rejects.toThrow(InvalidGrant)
    await house.refresh(refresh_token, undefined, 'page')
  })

  it('that was not spent yet ends nothing with parameters that are refused', async () => {
    const house = await openHousehold()
    await house.create()
    const { refresh_token } = await house.signedIn('page')
    for (const more of [{ scope: 'beyond' }, { resource: 'https://nobody.example/' }, { refresh_attempt: 'x' }])
      await expect(house.refresh(refresh_token, undefined, 'page', more)).rejects.toThrow()
    await house.refresh(refresh_token, undefined, 'page')
  })
})
