import { connect, type Socket } from 'node:net'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATION_SCOPES } from '../../src/admin/vocabulary/index.ts'
import { administered, basic, CONSOLE, openService, type Service } from './service.ts'

const ROOT = { email: 'root@example.com', password: 'the root of it all' }
const SITE = basic('site', 'site-secret-of-tests')
const client = (client_id: string, scope: string) => ({
  client_id,
  client_secret: `${client_id}-secret-of-tests`,
  token_endpoint_auth_method: 'client_secret_basic',
  grant_types: ['password', 'refresh_token'],
  scope,
})
const SITE_SCOPE = 'orders:read ledgate:account'
const ALL_SCOPES = ADMINISTRATION_SCOPES.join(' ')
const CONSOLE_WORLD = administered(ROOT, ADMINISTRATION_SCOPES)
const WORLD = { ...CONSOLE_WORLD, clients: [...CONSOLE_WORLD.clients, client('site', SITE_SCOPE)] }

let service: Service
let port: number
let root: string
let left: Socket | undefined
beforeAll(async () => {
  service = await openService(WORLD)
  port = Number(new URL(await service.listen()).port)
  root = await rootToken()
})
afterAll(async () => {
  await service.close()
  left?.destroy()
})

interface Person {
  readonly email: string
  readonly password: string
  readonly sub: string
}

let count = 0
const tokensOf = async (
  { email, password }: { email: string; password: string },
  how = SITE,
  scope = 'ledgate:account',
) => (await service.token({ grant_type: 'password', username: email, password, scope }, how)).body
const rootToken = async () => String((await tokensOf(ROOT, CONSOLE, ALL_SCOPES))['access_token'])

const administer = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', url: string, body?: object) =>
  service.send({
    method,
    url,
    headers: { authorization: `Bearer ${root}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { payload: JSON.stringify(body) }),
  })

async function newPerson(roles: readonly string[] = []): Promise<Person> {
  const person = { email: `held-${(count += 1)}@example.com`, password: 'seven grey herons' }
  const { body } = await administer('POST', '/admin/users', { ...person, roles })
  return { ...person, sub: String(body['sub']) }
}

/** A request whose headers are there and whose last byte is not. */
interface Held {
  /** Sends the last byte, and answers the status and the body. */
  release(): Promise<{ status: number; body: Record<string, unknown> }>
}

/** Sends everything but the last byte, and waits until the server has looked at the headers and lets the body come. */
async function hold(method: string, path: string, token: string, body: object = {}): Promise<Held> {
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (chunk) => (answer += chunk.toString()))
  const ended = new Promise<void>((resolve, reject) => socket.once('close', () => resolve()).once('error', reject))
  const text = JSON.stringify(body)
  const headers = [
    `${method} ${path} HTTP/1.1`,
    'host: x',
    'connection: close',
    'expect: 100-continue',
    `authorization: Bearer ${token}`,
    'content-type: application/json',
    `content-length: ${text.length}`,
  ]
  socket.write(`${headers.join('\r\n')}\r\n\r\n${text.slice(0, -1)}`)
  await new Promise((resolve) => socket.once('data', resolve))
  expect(answer).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  // Asked later and answered: whatever the server does before a body has come, it has done.
  const url = path.startsWith('/admin') ? '/admin/keys' : '/accounts/me'
  expect((await service.send({ method: 'GET', url, headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
  expect(answer).toBe('HTTP/1.1 100 Continue\r\n\r\n')
  return {
    async release() {
      socket.write(text.slice(-1))
      await ended
      const [, head = '', payload = ''] = answer.split('\r\n\r\n')
      return { status: Number(head.split(' ')[1]), body: payload.startsWith('{') ? JSON.parse(payload) : {} }
    },
  }
}

type Ending = (person: Person, tokens: Readonly<Record<string, unknown>>) => Promise<unknown>
const ok = (answer: { readonly status: number }) => expect(answer.status).toBeLessThan(300)
const revokeBySite = (token: unknown) => service.form('/oauth2/revoke', { token: String(token) }, SITE)

/** What ends what a person's own token is good for, and what heals the world again afterwards. */
const ENDINGS: readonly [string, Ending, (() => Promise<unknown>)?][] = [
  [
    'its person’s sessions are ended',
    async ({ sub }) => ok(await administer('DELETE', `/admin/users/${sub}/sessions`)),
  ],
  [
    'its person’s password is reset',
    async ({ sub }) => ok(await administer('POST', `/admin/users/${sub}/reset-password`)),
  ],
  ['its person is disabled', async ({ sub }) => ok(await administer('POST', `/admin/users/${sub}/disable`))],
  ['its person is erased', async ({ sub }) => ok(await administer('DELETE', `/admin/users/${sub}`))],
  ['it is revoked', async (_, { access_token }) => ok(await revokeBySite(access_token))],
  [
    'its session is ended by its person elsewhere',
    async (person, { access_token }) => {
      const { access_token: elsewhere } = await tokensOf(person)
      const sid = String(decodeJwt(String(access_token))['sid'])
      const headers = { authorization: `Bearer ${String(elsewhere)}` }
      ok(await service.send({ method: 'DELETE', url: `/accounts/me/sessions/${sid}`, headers }))
    },
  ],
  ['its grant is revoked', async (_, { refresh_token }) => ok(await revokeBySite(refresh_token))],
  [
    'its client is disabled',
    async () => ok(await administer('POST', '/admin/clients/site/disable')),
    async () => ok(await administer('POST', '/admin/clients/site/enable')),
  ],
  [
    'its client loses the scope',
    async () =>
      ok(
        await administer('PUT', '/admin/clients/site', {
          grant_types: ['password', 'refresh_token'],
          scope: 'orders:read',
        }),
      ),
    async () =>
      ok(
        await administer('PUT', '/admin/clients/site', {
          grant_types: ['password', 'refresh_token'],
          scope: SITE_SCOPE,
        }),
      ),
  ],
  [
    'all tokens are ended',
    async () => expect(await service.operate('tokens end-all', {})).toBe(200),
    async () => void (root = await rootToken()),
  ],
]

const OTHER = '0'.repeat(32)
const PASSWORDS = { current_password: 'seven grey herons', new_password: 'nine blue herons' }
const gidOf = (tokens: Readonly<Record<string, unknown>>) => String(tokens['refresh_token']).split('.')[2]
type Tokens = Readonly<Record<string, unknown>>
const OWN: readonly [string, (tokens: Tokens) => string, (person: Person) => object][] = [
  ['PATCH', () => '', () => ({ name: 'Ada' })],
  ['POST', () => '/password', () => PASSWORDS],
  ['POST', () => '/email', ({ email, password }) => ({ email: `other-${email}`, password })],
  ['DELETE', () => '/sessions', () => ({})],
  ['DELETE', () => `/sessions/${OTHER}`, () => ({})],
  ['DELETE', (tokens) => `/grants/${gidOf(tokens)}`, () => ({})],
]

describe('a request on one’s own account whose body is held back', () => {
  it.each(ENDINGS)('is refused when meanwhile %s', async (_, end, heal) => {
    const person = await newPerson()
    const tokens = await tokensOf(person)
    const held: Held[] = []
    for (const [method, path, body] of OWN)
      held.push(await hold(method, `/accounts/me${path(tokens)}`, String(tokens['access_token']), body(person)))
    await end(person, tokens)
    const answers = await Promise.all(held.map((each) => each.release()))
    await heal?.()
    expect(answers.map(({ status, body }) => [status, body['error']])).toEqual(OWN.map(() => [401, 'invalid_token']))
  })

  it('goes on when nothing ended', async () => {
    const { access_token } = await tokensOf(await newPerson())
    const held = await hold('DELETE', '/accounts/me/sessions', String(access_token))
    const { status, body } = await held.release()
    expect(status).toBe(200)
    expect(await service.introspect(String(body['access_token']), SITE)).toMatchObject({ active: true })
    expect(await service.introspect(String(access_token), SITE)).toEqual({ active: false })
  })
})

describe('an administrator’s request whose body is held back', () => {
  const grant_types = ['client_credentials']
  const MADE = { email: 'made@example.com', password: 'some made-up herons', roles: ['ledgate:admin'] }
  const REQUESTS: readonly [string, string, object][] = [
    ['POST', '/admin/users', MADE],
    ['POST', '/admin/clients', { client_id: 'made', grant_types }],
    ['POST', '/admin/resources', { resource: 'https://made.example/', scopes_supported: [] }],
    ['POST', `/admin/users/u_${OTHER}/disable`, {}],
    ['POST', '/admin/keys/derivation/rotate', {}],
    ['POST', '/admin/users/find', { email: ROOT.email }],
  ]
  const ADMIN_ENDINGS: readonly [string, Ending, (() => Promise<unknown>)?][] = [
    ['they are disabled', async ({ sub }) => ok(await administer('POST', `/admin/users/${sub}/disable`))],
    [
      'they lose the role',
      async ({ sub }) => ok(await administer('PUT', `/admin/users/${sub}/roles`, { roles: [], entitlements: [] })),
    ],
    [
      'their token is revoked',
      async (_, { access_token }) => ok(await service.form('/oauth2/revoke', { token: String(access_token) }, CONSOLE)),
    ],
    [
      'all tokens are ended',
      async () => expect(await service.operate('tokens end-all', {})).toBe(200),
      async () => void (root = await rootToken()),
    ],
  ]

  it.each(ADMIN_ENDINGS)('is rejected, and no user is created, when meanwhile %s', async (_, end, heal) => {
    const person = await newPerson(['ledgate:admin'])
    const tokens = await tokensOf(person, CONSOLE, ALL_SCOPES)
    const held: Held[] = []
    for (const [method, path, body] of REQUESTS)
      held.push(await hold(method, path, String(tokens['access_token']), body))
    await end(person, tokens)
    const answers = await Promise.all(held.map((each) => each.release()))
    await heal?.()
    expect(answers.map(({ status, body }) => [status, body['error']])).toEqual(
      REQUESTS.map(() => [expect.toBeOneOf([401, 403]), expect.toBeOneOf(['invalid_token', 'access_denied'])]),
    )
    expect((await administer('POST', '/admin/users/find', { email: MADE.email })).status).toBe(404)
    expect((await administer('GET', '/admin/clients/made')).status).toBe(404)
  })
})

describe('a request that is refused before its body has come', () => {
  it('is answered, and holds up neither others nor the end of the server', async () => {
    const socket = connect(port, '127.0.0.1')
    const answered = new Promise<string>((resolve) => socket.once('data', (chunk) => resolve(chunk.toString())))
    const headers = [
      'DELETE /accounts/me/sessions HTTP/1.1',
      'host: x',
      'authorization: Bearer no',
      'content-length: 9',
    ]
    socket.write(`${headers.join('\r\n')}\r\n\r\n`)
    expect(await answered).toMatch(/^HTTP\/1\.1 401 /)
    expect((await administer('GET', '/admin/keys')).status).toBe(200)
    // Left open with its body owed: the server stops all the same.
    left = socket
  })
})
