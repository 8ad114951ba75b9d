import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATION_SCOPES, OPERATIONS, scopeOf } from '../../src/admin/vocabulary/index.ts'
import { type Answer, basic, BOOTSTRAP, openService } from './service.ts'

const EVE = { email: 'eve@example.com', password: 'the seventh wave is tall' }
const MAX = { email: 'max@example.com', password: 'a lamp below the stairs' }
const CONSOLE = basic('console', 'console-secret')

const WORLD = {
  ...BOOTSTRAP,
  clients: [
    ...BOOTSTRAP.clients,
    {
      client_id: 'console',
      client_secret: 'console-secret',
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['password', 'refresh_token', 'client_credentials'],
      scope: ['orders:read', ...ADMINISTRATION_SCOPES].join(' '),
    },
  ],
  users: [...BOOTSTRAP.users, { ...EVE, roles: ['ledgate:admin'] }, { ...MAX, roles: ['ledgate:admin'] }],
}

let service: Awaited<ReturnType<typeof openService>>
let token: string
beforeAll(async () => {
  service = await openService(WORLD)
  token = await tokenOf(EVE)
})
afterAll(() => service.close())

async function tokenOf(person: { email: string; password: string }, scope = ADMINISTRATION_SCOPES.join(' ')) {
  const { body } = await service.token(
    { grant_type: 'password', username: person.email, password: person.password, scope },
    CONSOLE,
  )
  return String(body['access_token'])
}

interface Call {
  readonly body?: object
  readonly token?: string
}

const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, { body, token: own = token }: Call = {}) =>
  service.send({
    method,
    url,
    headers: { authorization: `Bearer ${own}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { payload: JSON.stringify(body) }),
  })

const subOf = async ({ email }: { email: string }) =>
  String((await call('POST', '/admin/users/find', { body: { email } })).body['sub'])

const eventsOf = async (query: string) =>
  (await call('GET', `/admin/events?${query}`)).body['events'] as readonly {
    type: string
    data: Record<string, unknown>
    metadata: Record<string, unknown>
  }[]

/** A path with something of the right shape in it. */
const examplePath = (path: string) =>
  path
    .replace(':sub', `u_${'0'.repeat(32)}`)
    .replace(':use', 'signing')
    .replaceAll(/:(client_id|secret_id|kid)/g, 'nothing')

describe('whoever may not', () => {
  it('gets nothing of any operation: no token, no live one, one for another resource, one of a service', async () => {
    const orders = await tokenOf(EVE, 'orders:read')
    const { body } = await service.token({ grant_type: 'client_credentials', scope: 'ledgate:users:read' }, CONSOLE)
    for (const { method, path } of OPERATIONS) {
      const url = examplePath(path)
      const bare = await service.send({ method, url })
      expect(bare.status).toBe(401)
      expect(bare.headers['www-authenticate']).toBe('Bearer realm="ledgate"')
      for (const wrong of ['x', orders, `${token}x`]) {
        const answer = await call(method, url, { token: wrong })
        expect([answer.status, answer.body['error']]).toEqual([401, 'invalid_token'])
        expect(answer.headers['www-authenticate']).toContain('error="invalid_token"')
      }
    }
    const service_ = await call('GET', '/admin/users', { token: String(body['access_token']) })
    expect([service_.status, service_.body['error']]).toEqual([403, 'access_denied'])
  })

  it('learns which scope is missing, for each operation', async () => {
    for (const operation of OPERATIONS) {
      const needed = scopeOf(operation)
      const others = ADMINISTRATION_SCOPES.filter((scope) => scope !== needed).join(' ')
      const answer = await call(operation.method, examplePath(operation.path), { token: await tokenOf(EVE, others) })
      expect([operation.command, answer.status, answer.body['error']]).toEqual([
        operation.command,
        403,
        'insufficient_scope',
      ])
      expect(answer.headers['www-authenticate']).toContain(`scope="${needed}"`)
    }
  })

  it('without the role has no use of the scopes, and a role that was taken is taken at once', async () => {
    const ann = await tokenOf(BOOTSTRAP.users[0] ?? MAX)
    const refused = await call('GET', '/admin/users', { token: ann })
    expect([refused.status, refused.body['error']]).toEqual([403, 'access_denied'])
    const max = await tokenOf(MAX)
    expect((await call('GET', '/admin/keys', { token: max })).status).toBe(200)
    const url = `/admin/users/${await subOf(MAX)}/roles`
    expect((await call('PUT', url, { body: { roles: [], entitlements: [] } })).status).toBe(204)
    expect((await call('GET', '/admin/keys', { token: max })).status).toBe(401) // fewer roles end all tokens
    expect((await call('GET', '/admin/keys', { token: await tokenOf(MAX) })).status).toBe(403)
    expect((await call('PUT', url, { body: { roles: ['ledgate:admin'], entitlements: [] } })).status).toBe(204)
    expect((await call('GET', '/admin/keys', { token: await tokenOf(MAX) })).status).toBe(200)
  })

  it('cannot take the last administrator away', async () => {
    const max = await subOf(MAX)
    const eve = await subOf(EVE)
    expect((await call('POST', `/admin/users/${max}/disable`)).status).toBe(204)
    for (const [method, path, body] of [
      ['POST', 'disable', {}],
      ['PUT', 'roles', { roles: [], entitlements: [] }],
    ] as const) {
      const answer = await call(method, `/admin/users/${eve}/${path}`, { body })
      expect([answer.status, answer.body['error']]).toEqual([409, 'last_administrator'])
    }
    expect((await call('GET', '/admin/keys')).status).toBe(200)
    expect((await call('POST', `/admin/users/${max}/enable`)).status).toBe(204)
  })
})

describe('users', () => {
  const BOB = { email: 'bob@example.com', password: 'seven grey herons' }

  it('are made, found, shown, given roles, signed out, disabled and enabled', async () => {
    const made = await call('POST', '/admin/users', { body: { ...BOB, name: 'Bob', roles: ['buyer'] } })
    expect(made.status).toBe(201)
    const sub = String(made.body['sub'])
    const position = String(made.headers['ledgate-position'])
    const shown = await call('GET', `/admin/users/${sub}?min_position=${position}`)
    expect(shown.body).toMatchObject({ sub, email: BOB.email, name: 'Bob', roles: ['buyer'], disabled: false })
    expect(await subOf(BOB)).toBe(sub)
    const listed = (await call('GET', '/admin/users?limit=1000')).body['users'] as { sub: string }[]
    expect(listed.map((each) => each.sub)).toContain(sub)

    const first = await service.signIn({ username: BOB.email, password: BOB.password, scope: 'orders:read' })
    expect(
      (await call('PUT', `/admin/users/${sub}/roles`, { body: { roles: ['buyer', 'seller'], entitlements: [] } }))
        .status,
    ).toBe(204)
    expect(await service.introspect(String(first.body['access_token']))).toMatchObject({ active: true })
    expect((await call('DELETE', `/admin/users/${sub}/sessions`)).status).toBe(204)
    expect(await service.introspect(String(first.body['access_token']))).toEqual({ active: false })

    expect((await call('POST', `/admin/users/${sub}/disable`, { body: { reason: 'left' } })).status).toBe(204)
    expect(
      (await service.signIn({ username: BOB.email, password: BOB.password, scope: 'orders:read' })).body,
    ).toMatchObject({
      error: 'invalid_grant',
    })
    expect((await call('POST', `/admin/users/${sub}/enable`)).status).toBe(204)
    expect((await service.signIn({ username: BOB.email, password: BOB.password, scope: 'orders:read' })).status).toBe(
      200,
    )
    const types = (await eventsOf(`subject=${sub}&last=100`)).map(({ type }) => type)
    for (const type of ['UserRegistered', 'RolesAssigned', 'UserSessionsRevoked', 'UserDisabled', 'UserEnabled'])
      expect(types).toContain(type)
  })

  it('who are not there, twice there or named by address are refused', async () => {
    const nobody = `u_${'0'.repeat(32)}`
    expect((await call('GET', `/admin/users/${nobody}`)).body).toMatchObject({ error: 'not_found' })
    expect((await call('POST', `/admin/users/${nobody}/disable`)).body).toMatchObject({ error: 'not_found' })
    expect((await call('POST', '/admin/users/find', { body: { email: 'no@example.com' } })).status).toBe(404)
    expect((await call('GET', `/admin/users/${encodeURIComponent(EVE.email)}`)).body).toMatchObject({
      error: 'invalid_request',
    })
    const again = await call('POST', '/admin/users', { body: EVE })
    expect([again.status, again.body['error']]).toEqual([409, 'refused'])
    expect((await call('PUT', `/admin/users/${nobody}/roles`, { body: { roles: 'x' } })).status).toBe(400)
    expect((await call('POST', '/admin/users', { body: { ...EVE, is_admin: true } })).status).toBe(400)
  })
})

describe('clients and resource servers', () => {
  const asRefused = (answer: Answer) => [answer.status, answer.body['error']]

  it('are registered, updated and disabled; two secrets live at once while one takes over', async () => {
    const metadata = { grant_types: ['client_credentials'], scope: 'orders:read' }
    const made = await call('POST', '/admin/clients', { body: { client_id: 'nightly', ...metadata } })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ client_id: 'nightly', client_secret_expires_at: 0, scope: 'orders:read' })
    const ask = (secret: unknown) =>
      service.token({ grant_type: 'client_credentials' }, basic('nightly', String(secret)))
    const first = made.body['client_secret']
    const issued = await ask(first)
    expect(issued.status).toBe(200)

    const second = (await call('POST', '/admin/clients/nightly/secrets')).body
    expect([(await ask(first)).status, (await ask(second['client_secret'])).status]).toEqual([200, 200])
    const shown = await call('GET', '/admin/clients/nightly')
    expect(shown.text).not.toMatch(/sha256/)
    const [old] = (shown.body['secrets'] as { secret_id: string }[]).filter(
      ({ secret_id }) => secret_id !== second['secret_id'],
    )
    expect((await call('DELETE', `/admin/clients/nightly/secrets/${old?.secret_id}`)).status).toBe(204)
    expect([(await ask(first)).status, (await ask(second['client_secret'])).status]).toEqual([401, 200])

    const narrower = await call('PUT', '/admin/clients/nightly', { body: { ...metadata, scope: '' } })
    expect(narrower.status).toBe(200)
    expect(await service.introspect(String(issued.body['access_token']))).toEqual({ active: false })
    expect((await call('POST', '/admin/clients/nightly/disable')).status).toBe(204)
    expect((await ask(second['client_secret'])).status).toBe(401)
    expect((await call('POST', '/admin/clients/nightly/enable')).status).toBe(204)
    expect((await ask(second['client_secret'])).status).toBe(200)
  })

  it('take and give back scopes with an update, and no two own one', async () => {
    const bills = { resource: 'https://bills.example/', scopes_supported: ['bills:read', 'bills:write'] }
    expect((await call('POST', '/admin/resources', { body: { client_id: 'bills', ...bills } })).status).toBe(201)
    const narrower = { ...bills, scopes_supported: ['bills:read', 'bills:void'] }
    expect((await call('PUT', '/admin/resources/bills', { body: narrower })).status).toBe(200)
    const other = { resource: 'https://other.example/', client_id: 'other' }
    const taken = await call('POST', '/admin/resources', { body: { ...other, scopes_supported: ['bills:void'] } })
    expect(asRefused(taken)).toEqual([409, 'refused'])
    const free = await call('POST', '/admin/resources', { body: { ...other, scopes_supported: ['bills:write'] } })
    expect(free.status).toBe(201)
    const grabbing = { ...narrower, scopes_supported: ['bills:write'] }
    expect(asRefused(await call('PUT', '/admin/resources/bills', { body: grabbing }))).toEqual([409, 'refused'])
    const app = { client_id: 'app', grant_types: ['client_credentials'], scope: 'bills:read bills:write bills:void' }
    const { body } = await call('POST', '/admin/clients', { body: app })
    const audienceOf = async (scope: string) => {
      const answer = await service.token(
        { grant_type: 'client_credentials', scope },
        basic('app', String(body['client_secret'])),
      )
      const [, payload = ''] = String(answer.body['access_token']).split('.')
      return JSON.parse(Buffer.from(payload, 'base64url').toString()).aud as unknown
    }
    expect(await audienceOf('bills:read')).toBe(bills.resource)
    expect(await audienceOf('bills:write')).toBe(other.resource)
    expect(await audienceOf('bills:void')).toBe(bills.resource)
  })

  it('with metadata that is wrong, and those that are not there, are refused', async () => {
    expect((await call('POST', '/admin/clients', { body: { grant_types: ['magic'] } })).status).toBe(400)
    expect(
      (
        await call('POST', '/admin/clients', {
          body: { token_endpoint_auth_method: 'none', grant_types: ['client_credentials'] },
        })
      ).status,
    ).toBe(400)
    expect(asRefused(await call('GET', '/admin/clients/nobody'))).toEqual([404, 'not_found'])
    expect(asRefused(await call('POST', '/admin/clients/nobody/disable'))).toEqual([404, 'not_found'])
    expect((await call('PUT', '/admin/resources/bills', { body: { resource: 'nowhere' } })).status).toBe(400)
  })
})

describe('keys', () => {
  const kids = async () =>
    ((await service.send({ method: 'GET', url: '/oauth2/jwks' })).body['keys'] as { kid: string }[]).map(
      ({ kid }) => kid,
    )
  const keys = async () =>
    (await call('GET', '/admin/keys')).body['keys'] as { use: string; kid: string; status: string }[]

  it('show no secret; one that is compromised is gone from the JWKS at once, with all that it signed', async () => {
    const { body } = await service.signIn({ scope: 'orders:read' })
    expect(await service.introspect(String(body['access_token']))).toMatchObject({ active: true })
    const active = (await keys()).find(({ use, status }) => use === 'signing' && status === 'active')
    expect(await kids()).toContain(active?.kid)
    expect((await call('POST', `/admin/keys/signing/${active?.kid}/compromise`)).status).toBe(204)
    expect(await kids()).not.toContain(active?.kid)
    expect(await kids()).toHaveLength(2)
    expect(await service.introspect(String(body['access_token']))).toEqual({ active: false })
    token = await tokenOf(EVE)
    const after = await keys()
    expect(after.find(({ kid }) => kid === active?.kid)?.status).toBe('compromised')
    expect(JSON.stringify(after)).not.toMatch(/"d"|secret/)
    const renewed = await service.token(
      { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) },
      basic('web', 'web: secret+%'),
    )
    expect(renewed.status).toBe(200)
    expect((await call('POST', '/admin/keys/signing/nothing/compromise')).status).toBe(404)
    expect((await call('POST', '/admin/keys/magic/rotate')).status).toBe(400)
  })

  it('for derived secrets end every refresh token when they are compromised', async () => {
    const { body } = await service.signIn()
    const active = (await keys()).find(({ use, status }) => use === 'derivation' && status === 'active')
    expect((await call('POST', `/admin/keys/derivation/${active?.kid}/compromise`)).status).toBe(204)
    const refused = await service.token(
      { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) },
      basic('web', 'web: secret+%'),
    )
    expect(refused.body).toMatchObject({ error: 'invalid_grant' })
    expect((await service.signIn()).status).toBe(200)
  })
})

describe('every call', () => {
  it('is an event with its actor, also one that only looks, and one that is refused', async () => {
    const eve = await subOf(EVE)
    await call('GET', '/admin/clients')
    await call('GET', `/admin/users/u_${'1'.repeat(32)}`)
    const asked = await eventsOf(`type=AdministrationRequested&actor=user:${eve}&last=20`)
    const operations = asked.map(({ data }) => [data['operation'], data['about']])
    expect(operations).toContainEqual(['clients list', undefined])
    expect(operations).toContainEqual(['users show', `u_${'1'.repeat(32)}`])
    expect(asked.every(({ metadata }) => metadata['client_id'] === 'console')).toBe(true)
  })

  it('is in the OpenAPI document, with the scope it needs', async () => {
    const { body } = await service.send({ method: 'GET', url: '/openapi.json' })
    const paths = body['paths'] as Record<string, Record<string, { security: unknown }>>
    for (const operation of OPERATIONS) {
      const described = paths[operation.path.replaceAll(/:(\w+)/g, '{$1}')]?.[operation.method.toLowerCase()]
      expect(described?.security, operation.command).toEqual([{ bearer: [scopeOf(operation)] }])
    }
  })
})

describe('a place in the log', () => {
  const NONE = [
    '',
    'abc',
    'NaN',
    '0',
    '1',
    '-1',
    '1e3',
    '1n',
    '  1',
    '30',
    '00000000000000000000',
    String(2n ** 63n),
    `${'0'.repeat(19)}5.${'0'.repeat(19)}5`,
    '٠'.repeat(19) + '١',
    'x'.repeat(8_000),
  ]
  const BEYOND = ['9'.repeat(20), String(2n ** 64n), `${'0'.repeat(4)}1${'0'.repeat(15)}`]
  const asked = (name: string, text: string) => `${name}=${encodeURIComponent(text)}`

  it.each([
    ['/admin/events', 'after'],
    ['/admin/events', 'min_position'],
    ['/admin/users', 'min_position'],
  ])('%s?%s: what the log never gave is 400 at once, and the server goes on', async (path, name) => {
    for (const text of [...NONE, ...BEYOND])
      expect((await call('GET', `${path}?${asked(name, text)}`)).body, text).toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringContaining(name),
      })
    expect((await service.get('/livez')).status).toBe(200)
  })

  it('that was given is taken back: from there on there is only what came later', async () => {
    const first = await call('GET', '/admin/events?last=5')
    const place = String(first.headers['ledgate-position'])
    const { body } = await call('POST', '/admin/users/find', { body: { email: MAX.email } })
    expect(body).toMatchObject({ sub: expect.any(String) })
    const later = await call('GET', `/admin/events?${asked('after', place)}&${asked('min_position', place)}`)
    expect(later.status).toBe(200)
    const events = later.body['events'] as { position: string; type: string }[]
    expect(events.length).toBeGreaterThan(0)
    expect(events.every(({ position }) => position > place)).toBe(true)
    expect(later.headers['ledgate-position']).toBe(events.at(-1)?.position)
  })

  it('is refused to the operator of the machine in the same way', async () => {
    for (const text of [...NONE, ...BEYOND]) expect(await service.operate('events', { after: text })).toBe(400)
  })
})

describe('a number that is none', () => {
  it.each([
    ['/admin/events', 'last'],
    ['/admin/events', 'since'],
    ['/admin/users', 'limit'],
    ['/admin/clients', 'limit'],
    ['/admin/resources', 'limit'],
  ])('%s?%s is 400, whatever JavaScript would make of it', async (path, name) => {
    for (const text of ['', ' ', '-1', '1.5', '1e3', '0x10', '10abc', 'null', 'NaN', '9'.repeat(17)])
      expect((await call('GET', `${path}?${new URLSearchParams({ [name]: text })}`)).body, text).toMatchObject({
        error: 'invalid_request',
        error_description: expect.stringContaining(name),
      })
    expect((await call('GET', `${path}?${name}=1`)).status).toBe(200)
  })

  it('is refused to the operator of the machine in the same way', async () => {
    for (const since of [null, '', true, 1.5]) expect(await service.operate('events', { since })).toBe(400)
  })
})

describe('the first administrator', () => {
  it('is created with the setup token, once; another token learns nothing', async () => {
    const fresh = await openService(BOOTSTRAP)
    try {
      const setup = (body: object) =>
        fresh.send({
          method: 'POST',
          url: '/admin/setup',
          headers: { 'content-type': 'application/json' },
          payload: JSON.stringify(body),
        })
      expect((await setup({ ...EVE, token: 'guessed' })).body).toMatchObject({ error: 'access_denied' })
      expect((await setup({ ...EVE, password: 'short', token: fresh.setupToken })).body).toMatchObject({
        error: 'invalid_password',
      })
      const both = await Promise.all([
        setup({ ...EVE, token: fresh.setupToken }),
        setup({ ...MAX, token: fresh.setupToken }),
      ])
      expect(both.map(({ status }) => status).toSorted()).toEqual([201, 403])
      expect((await setup({ ...MAX, token: fresh.setupToken })).status).toBe(403)
    } finally {
      await fresh.close()
    }
  })

  it('of the bootstrap file leaves no token', () => {
    expect(service.setupToken).toBeUndefined()
  })
})
