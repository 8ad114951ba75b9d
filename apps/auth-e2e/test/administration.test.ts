import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { newReplicas } from '../src/replicas.ts'
import { type Requests, send } from '../src/requests.ts'
import { type Installation, ledgate, newInstallation, startServer } from '../src/server.ts'
import { ADMINISTRATION, basic, WORLD } from '../src/world.ts'

const EVE = { email: 'eve@example.com', password: 'the seventh wave is tall' }
const MAX = { email: 'max@example.com', password: 'a lamp below the stairs' }
const CONSOLE = basic('console', 'console-secret-0f9d2c7b5a')

const ADMINISTERED = {
  ...WORLD,
  clients: [
    ...WORLD.clients,
    {
      client_id: 'console',
      client_secret: 'console-secret-0f9d2c7b5a',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['password', 'refresh_token'],
      scope: ADMINISTRATION,
    },
  ],
}
const WITH_TWO = {
  ...ADMINISTERED,
  users: [...WORLD.users, ...[EVE, MAX].map((person) => ({ ...person, roles: ['ledgate:admin'] }))],
}

const tokenOf = async ({ token }: Requests, { email, password }: typeof EVE) =>
  String((await token({ grant_type: 'password', username: email, password }, CONSOLE)).body['access_token'])

const administer =
  ({ url }: Installation, token: string) =>
  (method: string, path: string, body?: object) =>
    send(`${url}/admin/${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })

it('the first administrator comes from the console; the token is on standard error, and in no log', async () => {
  const installation = await newInstallation(ADMINISTERED)
  const server = await startServer(installation)
  for (const until = Date.now() + 10_000; !server.output().includes('"token":"') && Date.now() < until;)
    await new Promise((wait) => setTimeout(wait, 20))
  const [, token = ''] = /"token":"([\w-]{43})"/.exec(server.output()) ?? []
  expect(
    server
      .output()
      .split('\n')
      .filter((line) => line.includes(token) && line.startsWith('{')),
  ).toEqual([])
  expect((await server.json('/admin/setup', { ...EVE, token })).status).toBe(201)
  expect((await server.json('/admin/setup', { ...MAX, token })).status).toBe(403)
  const list = await administer(installation, await tokenOf(server, EVE))('GET', 'users')
  expect(list.text).toContain(EVE.email)
})

it('the command line does over HTTP what it does beside the server', async () => {
  const installation = await newInstallation(WITH_TWO)
  const server = await startServer(installation)
  const tokenFile = join(installation.folder, 'token')
  writeFileSync(tokenFile, await tokenOf(server, EVE))
  const over = (args: readonly string[], input = '') =>
    ledgate(
      { ...installation, environment: {} },
      ['--json', '--server', installation.url, '--token-file', tokenFile, ...args],
      input,
    )

  const made = await over(['users', 'create', 'bob@example.com', '--role', 'buyer'], 'seven grey herons\n')
  expect(made.code).toBe(0)
  expect((await over(['users', 'show', 'bob@example.com'])).json()).toMatchObject({
    sub: made.json()['sub'],
    roles: ['buyer'],
  })
  expect((await over(['users', 'roles', 'bob@example.com', '--role', 'seller'])).code).toBe(0)
  expect((await over(['users', 'disable', String(made.json()['sub']), '--reason', 'left'])).code).toBe(0)
  expect((await over(['users', 'list', '--limit', '2'])).json()['users']).toHaveLength(2)
  const metadata = JSON.stringify({ grant_types: ['client_credentials'], scope: 'orders:read' })
  const client = await over(['clients', 'create', metadata, '--client-id', 'nightly'])
  expect(client.json()).toMatchObject({ client_id: 'nightly', scope: 'orders:read' })
  expect((await over(['clients', 'add-secret', 'nightly'])).json()['client_secret']).toBeDefined()
  expect((await over(['clients', 'update', 'nightly', metadata])).code).toBe(0)
  const keys = (await over(['keys', 'list'])).json()['keys'] as readonly { use: string }[]
  expect(keys.map(({ use }) => use).sort()).toEqual(['derivation', 'feed', 'signing'].flatMap((use) => [use, use]))
  const events = await over(['events', '--type', 'UserDisabled', '--last', '1'])
  expect(events.json()).toMatchObject({
    type: 'UserDisabled',
    data: { reason: 'left' },
    metadata: { actor: { type: 'user' } },
  })

  const refused = await over(['users', 'show', 'nobody@example.com'])
  expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('unknown user')])
  writeFileSync(tokenFile, 'wrong')
  expect((await over(['keys', 'list'])).output).toMatch(/access token is missing, expired/)
  expect((await ledgate(installation, ['--server', installation.url, 'keys', 'list'])).output).toMatch(/token-file/)
  const nowhere = await ledgate({ ...installation, environment: {} }, [
    '--server',
    'http://127.0.0.1:1',
    '--token-file',
    tokenFile,
    'keys',
    'list',
  ])
  expect([nowhere.code, nowhere.output]).toEqual([1, expect.stringContaining('cannot be reached')])
})

it('two administrators who demote each other at two replicas never leave none; what one changed the other shows', async () => {
  const { all } = await newReplicas(2)
  all.forEach(({ writeBootstrap }) => writeBootstrap(WITH_TWO))
  const servers = []
  for (const installation of all) servers.push(await startServer(installation))
  const [here, there] = servers
  const [first, second] = all
  if (here === undefined || there === undefined || first === undefined || second === undefined) throw new Error('two')
  const tokens = await Promise.all([tokenOf(here, EVE), tokenOf(there, MAX)])
  const [eve, max] = [administer(first, tokens[0] ?? ''), administer(second, tokens[1] ?? '')]
  const subOf = async (person: typeof EVE) =>
    String((await eve('POST', 'users/find', { email: person.email })).body['sub'])
  const [eveSub, maxSub] = [await subOf(EVE), await subOf(MAX)]

  const email = `${randomUUID()}@example.com`
  const made = await eve('POST', 'users', { email, password: 'seven grey herons' })
  const position = String(made.headers.get('ledgate-position'))
  expect((await max('GET', `users/${String(made.body['sub'])}?min_position=${position}`)).body).toMatchObject({ email })

  const none = { roles: [], entitlements: [] }
  const answers = await Promise.all([
    eve('PUT', `users/${maxSub}/roles`, none),
    max('PUT', `users/${eveSub}/roles`, none),
  ])
  expect(answers.filter(({ status }) => status === 204)).toHaveLength(1)
  const left = await Promise.all([tokenOf(here, EVE), tokenOf(there, MAX)])
  const looks = await Promise.all([
    administer(first, left[0] ?? '')('GET', 'keys'),
    administer(second, left[1] ?? '')('GET', 'keys'),
  ])
  expect(looks.map(({ status }) => status).toSorted()).toEqual([200, 403])
})
