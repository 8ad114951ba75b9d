import { runDecision } from '@ledgate/eventsourcing'
import { ClientMetadata, ResourceMetadata } from '@ledgate/oauth'
import { describe, expect, it } from 'vitest'
import { readUser, userStream } from '../../src/user/index.ts'
import type { ClientState } from '../../src/client/index.ts'
import { type ResourceState } from '../../src/resource/index.ts'
import { resourceStream } from '../../src/resource/events.ts'
import { openHousehold } from '../../src/testing/household.ts'
import { command } from '../../src/testing/parts.ts'
import { operatorCommands } from '../../src/admin/commands/commands.ts'
import { clientStream } from '../../src/client/events.ts'
import { Malformed } from '../../src/refusal/index.ts'

/** Longer in each member, and in all, than is registered today. */
const CLIENT = {
  client_name: 'old',
  grant_types: ['password', 'refresh_token', 'authorization_code'],
  scope: `read ${'s'.repeat(300)}`,
  redirect_uris: ['https://app.example/', ...[1, 2, 3, 4].map((n) => `https://app.example/${n}`.padEnd(6_000, 'r'))],
  refresh_token_expires_in: Number.MAX_SAFE_INTEGER,
}
const RESOURCE = {
  resource: 'https://long.example/'.padEnd(600, 'r'),
  scopes_supported: Array.from({ length: 150 }, (_, n) => String(n).padEnd(300, 's')),
}

/** Commands over a log in which an older version kept these. */
async function kept() {
  const home = await openHousehold()
  const { log } = home
  const first = { expected: 'noStream', context: command() } as const
  const own = { disabled: false, secrets: [] }
  const client: ClientState = {
    ...{ ...own, client_id: 'old', client_id_issued_at: 1, epoch: 0 },
    metadata: ClientMetadata.parse(CLIENT),
  }
  const metadata = ResourceMetadata.parse(RESOURCE)
  const resource: ResourceState = { ...own, client_id: 'api', registered_at: 1, metadata }
  await log.append(clientStream.of('old'), [{ type: 'ClientRegistered', data: { client } }], first)
  await log.append(resourceStream.of('api'), [{ type: 'ResourceRegistered', data: { resource } }], first)
  const commands = operatorCommands(home as never)
  const update = (words: string, client_id: string) => async (metadata: object) =>
    commands[words]?.run({ client_id, metadata }, command())
  return { client: update('clients update', 'old'), resource: update('resources update', 'api') }
}

describe('a client that an older version kept, with more than is registered today', () => {
  const [short = '', first = '', second = ''] = CLIENT.redirect_uris

  it('is changed in its other members, and gives up what is too long one by one', async () => {
    const { client } = await kept()
    for (const change of [
      { client_name: 'new' },
      { client_name: 'new', redirect_uris: [short, first, second] },
      { client_name: 'new', redirect_uris: [first], scope: CLIENT.scope.slice(5) },
      { redirect_uris: [short], scope: 'read', refresh_token_expires_in: 60 },
    ])
      expect(await client({ ...CLIENT, ...change })).toMatchObject(change)
    await expect(client(CLIENT)).rejects.toThrow(Malformed) // what is gone is gone
  })

  it.each([
    ['a URI', { redirect_uris: [`${first}x`] }, /redirect_uris\[0\]/],
    ['a scope', { redirect_uris: [], scope: 't'.repeat(300) }, /metadata.scope/],
    ['a lifetime', { access_token_expires_in: Number.MAX_SAFE_INTEGER }, /access_token_expires_in/],
    ['its size', { redirect_uris: [...CLIENT.redirect_uris, `${short}more`] }, /16384 bytes/],
    ['what does not fit together', { response_types: ['code'], grant_types: ['password'] }, /response_types/],
  ])('takes nothing new that is refused today: %s', async (_, change, why) => {
    const { client } = await kept()
    await expect(client({ ...CLIENT, ...change })).rejects.toThrow(why)
  })
})

it('and so is a resource server', async () => {
  const { resource } = await kept()
  const [first = '', ...others] = RESOURCE.scopes_supported
  expect(await resource({ ...RESOURCE, scopes_supported: others })).toMatchObject({ scopes_supported: others })
  await expect(resource({ ...RESOURCE, resource: `${RESOURCE.resource}x` })).rejects.toThrow(/resource/)
  await expect(resource({ ...RESOURCE, scopes_supported: [`${first}x`] })).rejects.toThrow(/scopes_supported/)
  await expect(resource(RESOURCE)).rejects.toThrow(/scopes_supported/)
})

it('and a person who has more roles than are given today is rid of them one by one, whose tokens end each time', async () => {
  const home = await openHousehold()
  const { sub } = await home.create()
  const [first = '', ...others] = Array.from({ length: 60 }, (_, n) => String(n).padEnd(100, 'r'))
  const user = async () => (await readUser(home.log, sub))!
  const { state, revision: expected } = await user()
  const event = { type: 'RolesAssigned' as const, data: { user: { ...state, roles: [first, ...others] } } }
  await runDecision(() => home.log.append(userStream.of(sub), [event], { expected, context: command() }))
  const assign = async (...roles: string[]) =>
    operatorCommands(home as never)['users roles']?.run({ sub, roles, entitlements: [] }, command())
  await assign(...others)
  expect((await user()).state).toMatchObject({ roles: others, epoch: state.epoch + 1 })
  await expect(assign(first, ...others)).rejects.toThrow(/3072 bytes/)
  await assign()
  await expect(assign(...others)).rejects.toThrow(/3072 bytes/)
})
