import fc from 'fast-check'
import { connect } from 'node:net'
import { Agent } from 'node:http'
import { generateKeyPair, SignJWT } from 'jose'
import { beforeAll, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { documents, forms, type Grammar, type Hit, queries, type Shot, shoot } from '../src/fuzz.ts'
import { type Installation, newInstallation, startServer } from '../src/server.ts'
import { ADMINISTRATION, ANN, BATCH, BATCH_SECRET, ORDERS, ORDERS_API, WEB, WEB_SECRET, WORLD } from '../src/world.ts'

/** Requests to each endpoint. */
const REQUESTS = rounds({ quick: 200, long: 10_000, soak: 100_000 })
const SEED = Number(process.env['SEED'] ?? 20_261_124)

const AT_ONCE = 16
/** Requests made at a time: a hundred thousand at once would be gigabytes. */
const HANDFUL = Math.min(REQUESTS, 2_000)

const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE })

/** What must never leave: stacks, paths, the words of libraries. */
const HINTS = /\n\s+at |node_modules|\.ts:\d|\.js:\d|SQLITE|TypeError|zod|fastify|FST_ERR|undefined is not/i

/** What is wrong with an answer, in a word; nothing when it is as the standards say. */
function fault({ status, headers, text }: Hit, { method, path }: Shot): string | undefined {
  if (status === 503 && headers['retry-after'] === undefined) return '503 without Retry-After'
  if (status >= 500 && status !== 503) return `${status}`
  if (status < 400) return undefined // what is given then has its own tests
  if (HINTS.test(text)) return 'a hint'
  if (method === 'OPTIONS' || method === 'HEAD') return undefined
  if (status === 401 && headers['www-authenticate'] === undefined) return '401 without WWW-Authenticate'
  if (path.startsWith('/oauth2/token') && method === 'POST' && headers['cache-control'] !== 'no-store')
    return 'cacheable'
  if (String(headers['content-type']).startsWith('text/html')) return undefined
  const { error } = JSON.parse(text) as { error?: unknown }
  return typeof error === 'string' && /^[a-z_]+$/.test(error) ? undefined : 'no error code'
}

/** Sends all of them, some at once; answers what was wrong, each kind once with the first request that showed it. */
async function barrage(url: string, arbitrary: fc.Arbitrary<Shot>, statuses: Map<number, number>) {
  const faults = new Map<string, string>()
  for (let sent = 0; sent < REQUESTS; sent += HANDFUL) {
    const shots = fc.sample(arbitrary, { seed: SEED + sent, numRuns: HANDFUL }).values()
    const gun = async () => {
      for (const shot of shots) {
        const hit = await shoot(url, shot, agent)
        statuses.set(hit.status, (statuses.get(hit.status) ?? 0) + 1)
        const found = fault(hit, shot)
        if (found !== undefined && !faults.has(found))
          faults.set(
            found,
            `${shot.method} ${JSON.stringify(shot.headers)} ${shot.body.toString().slice(0, 500)} → ${hit.text}`,
          )
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, gun))
  }
  return Object.fromEntries(faults)
}

/** Tokens of every kind: live, spent, revoked, somebody else's, expired, made by others. */
async function tokensOf(server: Awaited<ReturnType<typeof startServer>>): Promise<readonly string[]> {
  const { access_token, refresh_token } = (await server.signIn()).body
  const service = (await server.token({ grant_type: 'client_credentials' }, BATCH)).body
  const spent = String((await server.signIn()).body['refresh_token'])
  await server.refresh(spent)
  const { privateKey } = await generateKeyPair('ES256')
  const foreign = await new SignJWT({ sub: 'u_x', client_id: 'web' })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'foreign' })
    .setExpirationTime(1)
    .sign(privateKey)
  const all = [access_token, refresh_token, service['access_token'], spent].map(String)
  return [...all, foreign, ...all.map((token) => token.slice(0, -2)), ...all.map((token) => `${token}AA`)]
}

/** A password costs thousands of times what everything else costs, so few requests get that far. */
const PASSWORDS = ['short', 'password', 'x'.repeat(257), '\ud800broken', 'short', 'long enough for anybody']

const EVE = { email: 'eve@example.com', password: 'the seventh wave is tall' }

/** Somebody may administer, and the client may ask for what that needs. */
const [web, ...others] = WORLD.clients
const ADMINISTERED = {
  ...WORLD,
  clients: [{ ...web, scope: `${web?.scope} ledgate:account ${ADMINISTRATION}` }, ...others],
  users: [...WORLD.users, { ...EVE, roles: ['ledgate:admin'] }],
}

function grammars(tokens: readonly string[], bearers: readonly string[]): Readonly<Record<string, fc.Arbitrary<Shot>>> {
  const client: Grammar = { client_id: ['web', 'batch', 'nobody'], client_secret: [WEB_SECRET, BATCH_SECRET] }
  const token: Grammar = {
    ...client,
    grant_type: ['client_credentials', 'refresh_token', 'client_credentials', 'refresh_token', 'password', 'urn:x'],
    scope: ['orders:read', 'orders:read orders:write', 'orders:read  orders:read', 'admin', 'openid'],
    resource: [ORDERS, 'https://else.example/', 'orders', `${ORDERS}#x`],
    refresh_token: tokens,
    refresh_attempt: ['an-attempt-of-a-client', 'short'],
    username: [ANN.email, 'nobody@example.com'],
    password: [...PASSWORDS, ANN.password],
    client_assertion_type: ['urn:ietf:params:oauth:client-assertion-type:jwt-bearer'],
    client_assertion: tokens,
  }
  const any: Grammar = { ...client, token: tokens, token_type_hint: ['access_token', 'refresh_token', 'x'] }
  const email = ['ann@example.com', 'new@example.com', 'a@b', '@', 'ann@example.com ', 'ANN@EXAMPLE.COM']
  const clients = [WEB, BATCH, ORDERS_API]
  return {
    '/oauth2/token': forms('/oauth2/token', token, clients),
    '/oauth2/revoke': forms('/oauth2/revoke', any, clients),
    '/oauth2/introspect': forms('/oauth2/introspect', any, clients),
    '/accounts': documents('/accounts', { email, password: PASSWORDS, name: ['Ann', 'x'.repeat(400)] }),
    '/accounts/confirm': fc.oneof(
      documents('/accounts/confirm', { token: [...tokens, 'm1.x.y'], password: PASSWORDS, new_password: PASSWORDS }),
      forms('/accounts/confirm', { token: ['m1.x.y'], password: PASSWORDS, new_password: PASSWORDS }, []),
    ),
    '/accounts/reset': fc.oneof(
      documents('/accounts/reset', {
        email: ['nobody@example.com', 'a@b', '@'],
        token: tokens,
        new_password: PASSWORDS,
      }),
      forms('/accounts/reset', { token: ['m1.x.y'], new_password: PASSWORDS }, []),
    ),
    '/accounts/email': documents('/accounts/email', { token: [...tokens, 'm1.x.y'] }),
    '/accounts/me/password': documents(
      '/accounts/me/password',
      { current_password: PASSWORDS, new_password: PASSWORDS.slice(0, -1) },
      bearers,
    ),
    '/accounts/me/grants': queries('/accounts/me/grants', { x: ['y'] }, bearers),
    '/admin/setup': documents('/admin/setup', { token: ['x'], email, password: PASSWORDS }),
    '/admin/users': queries('/admin/users', { limit: ['10', '0'], after: ['u_0'], min_position: ['0'] }, bearers),
    '/admin/users/find': documents('/admin/users/find', { email }, bearers),
    '/admin/clients': documents(
      '/admin/clients',
      { client_id: ['web', 'u_0', 'orders'], scope: ['a  b'], token_endpoint_auth_method: ['none', 'magic'] },
      bearers,
    ),
    '/admin/keys': documents('/admin/keys/signing/x/compromise', { reason: ['x'] }, bearers),
  }
}

let installation: Installation
let server: Awaited<ReturnType<typeof startServer>>
beforeAll(async () => {
  installation = await newInstallation(ADMINISTERED)
  server = await startServer(installation, { environment: { LEDGATE_LOG_LEVEL: 'error' } })
})

it(`answers ${REQUESTS} requests of any kind to each endpoint as the standards say, and none with 500`, async () => {
  const bearers: string[] = []
  for (const scope of ['ledgate:account', ADMINISTRATION, 'orders:read']) {
    const { access_token } = (
      await server.token({ grant_type: 'password', username: EVE.email, password: EVE.password, scope })
    ).body
    bearers.push(`Bearer ${String(access_token)}`)
  }
  const found: Record<string, object> = {}
  const kinds: Record<string, readonly number[]> = {}
  for (const [path, arbitrary] of Object.entries(grammars(await tokensOf(server), bearers))) {
    const statuses = new Map<number, number>()
    found[path] = await barrage(installation.url, arbitrary, statuses)
    kinds[path] = [...statuses.keys()]
  }
  const none = Object.fromEntries(Object.keys(found).map((path) => [path, {}]))
  expect(found).toEqual(none)
  expect(server.output()).toBe('') // no error was worth the log of errors
  // The control: the barrage got past the first check, into what it is meant to shake.
  for (const path of ['/oauth2/token', '/oauth2/revoke', '/oauth2/introspect', '/admin/users', '/accounts/me/grants'])
    expect(kinds[path]).toContain(200)
  expect((await server.get('/readyz')).status).toBe(200)
  expect((await server.signIn()).status).toBe(200)
}, 1_800_000)

it('answers what is not even HTTP, and goes on', async () => {
  const { port } = new URL(installation.url)
  for (const garbage of [
    '\0\0\0\0',
    'GET / HTTP/9.9\r\n\r\n',
    'POST /oauth2/token HTTP/1.1\r\ncontent-length: -1\r\n\r\n',
    `GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`,
  ]) {
    const socket = connect({ host: '127.0.0.1', port: Number(port) })
    socket.on('error', () => {}) // being cut off is an answer, too
    let text = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
    socket.end(garbage)
    await new Promise((closed) => socket.once('close', closed))
    expect(text).toMatch(/^(HTTP\/1\.1 4\d\d |$)/)
    expect(text).not.toMatch(HINTS)
  }
  expect((await server.signIn()).status).toBe(200)
})
