import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { askServer } from '../../src/admin/cli/index.ts'
import { socketPath } from '../../src/admin/vocabulary/index.ts'
import { ANN, basic, openService, ORDERS_API, type Service, WEB } from './service.ts'

let service: Service
/** Wrong passwords of one account from strangers; each is a whole hash. */
const SHARED = 20

beforeAll(async () => {
  service = await openService(undefined, {
    LEDGATE_RATE_LIMITS: `login_shared_failures=${SHARED}`,
    LEDGATE_TRUSTED_PROXIES: '127.0.0.1',
  })
})
afterAll(() => service.close())

let people = 0
const newAddress = () => `person-${(people += 1)}@example.com`

/** A new person: what happened to the others does not concern them. */
async function newPerson(): Promise<string> {
  const email = newAddress()
  const input = { email, password: ANN.password }
  await askServer(socketPath(service.config.dataDir), { command: 'users create', input, operator: 'tester' })
  return email
}

interface From {
  readonly proxied?: string
  readonly forwarded?: string
  readonly client?: 'web' | 'page'
}

/** A sign-in from somewhere: what the proxy says, and what the client says. */
const signIn = (
  username: string,
  password: string,
  { proxied = '198.51.100.1', forwarded, client = 'web' }: From = {},
) =>
  service.send({
    method: 'POST',
    url: '/oauth2/token',
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'x-forwarded-for': proxied,
      ...(forwarded && { forwarded }),
      ...(client === 'web' && { authorization: WEB }),
    },
    payload: new URLSearchParams({
      grant_type: 'password',
      username,
      password,
      ...(client === 'page' && { client_id: 'page' }),
    }).toString(),
  })

/** The status of each of some wrong passwords, one after the other. */
async function guesses(times: number, from: From, username: string): Promise<readonly number[]> {
  const statuses: number[] = []
  for (let time = 0; time < times; time += 1) statuses.push((await signIn(username, 'a wrong one', from)).status)
  return statuses
}

describe('sign-ins that fail', () => {
  it('slow their source down with 429 and Retry-After, and leave every other source alone', async () => {
    const email = await newPerson()
    const from = { proxied: '203.0.113.9' }
    expect(await guesses(7, from, email)).toEqual([400, 400, 400, 400, 400, 429, 429])
    const refused = await signIn(email, ANN.password, from)
    expect([refused.status, refused.body['error']]).toEqual([429, 'too_many_requests'])
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0)
    expect((await signIn(email, ANN.password, { proxied: '203.0.113.10' })).status).toBe(200)
  })

  it('are of one source whatever its port, and all addresses of an IPv6 network are one source', async () => {
    const from = (proxied: string) => ({ proxied })
    const statuses = async (username: string, of: (host: number) => string) => {
      const each: number[] = []
      for (let host = 1; host <= 7; host += 1) each.push(...(await guesses(1, from(of(host)), username)))
      return each
    }
    const limited = [400, 400, 400, 400, 400, 429, 429]
    expect(await statuses(await newPerson(), (host) => `203.0.113.50:${5000 + host}`)).toEqual(limited)
    expect(await statuses(await newPerson(), (host) => `[2001:db8:7:7::${host}]:${5000 + host}`)).toEqual(limited)
    expect(await statuses(await newPerson(), (host) => `made-up-${host}`)).toEqual(limited)
  })

  it('at an unknown address are limited the same', async () => {
    expect(await guesses(7, { proxied: '203.0.113.20' }, 'nobody@example.com')).toEqual([
      400, 400, 400, 400, 400, 429, 429,
    ])
  })

  it('through a backend count for the person it forwards, not for the backend', async () => {
    const email = await newPerson()
    await guesses(6, { forwarded: 'for=192.0.2.1' }, email)
    expect((await signIn(email, ANN.password, { forwarded: 'for=192.0.2.1' })).status).toBe(429)
    expect((await signIn(email, ANN.password, { forwarded: 'for=192.0.2.2' })).status).toBe(200)
    expect((await signIn(email, ANN.password)).status).toBe(200)
  })

  it('of a client without a secret count for where it is, whatever it says', async () => {
    const email = await newPerson()
    const page = (host: number): From => ({ client: 'page', proxied: '203.0.113.30', forwarded: `for=192.0.2.${host}` })
    for (let host = 100; host < 105; host += 1) await guesses(1, page(host), email)
    expect((await signIn(email, 'a wrong one', page(106))).status).toBe(429)
  })

  it('of others never stop a person who signed in from there before', async () => {
    const email = await newPerson()
    const home = { proxied: '203.0.113.40' }
    expect((await signIn(email, ANN.password, home)).status).toBe(200)
    const bots = await Promise.all(
      Array.from({ length: SHARED + 10 }, (_, host) => guesses(1, { proxied: `198.18.0.${host}` }, email)),
    )
    expect(bots.flat()).toContain(429) // the budget that strangers share is spent
    expect((await signIn(email, ANN.password, home)).status).toBe(200)
  })
})

describe('wrong secrets of clients and resource servers', () => {
  const endpoints = ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke', '/revocations/snapshot']

  const guess = (url: string, secret: string, proxied: string, agent = 'guesser') =>
    service.send({
      method: 'POST',
      url,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        authorization: basic(url.startsWith('/revocations') ? 'orders' : 'web', secret),
        'x-forwarded-for': proxied,
        'user-agent': agent,
      },
      payload: 'grant_type=client_credentials&token=x',
    })

  it.each(endpoints)('are delayed at %s by source, and no other source is', async (url) => {
    const [thief, home] = [`203.0.113.${100 + endpoints.indexOf(url)}`, '203.0.113.200']
    const statuses: number[] = []
    for (let times = 0; times < 7; times += 1)
      statuses.push((await guess(url, `wrong ${times}`, thief, `agent ${times}`)).status)
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429])
    const right = url.startsWith('/revocations') ? 'orders-secret' : 'web: secret+%'
    const delayed = await guess(url, right, thief)
    expect([delayed.status, delayed.body['error']]).toEqual([429, 'too_many_requests'])
    expect(Number(delayed.headers['retry-after'])).toBeGreaterThan(0)
    expect((await guess(url, right, home)).status).toBe(200)
  })

  it('at one endpoint count at the others', async () => {
    const thief = '203.0.113.110'
    for (const url of ['/oauth2/token', '/oauth2/introspect', '/oauth2/revoke', '/oauth2/token', '/oauth2/introspect'])
      expect((await guess(url, 'wrong', thief)).status).toBe(401)
    expect((await guess('/oauth2/revoke', 'wrong', thief)).status).toBe(429)
  })
})

describe('mail', () => {
  it('goes to one address a few times an hour, however often it is registered; the answers stay the same', async () => {
    const email = newAddress()
    for (let times = 0; times < 8; times += 1)
      expect((await service.json('/accounts', { email, password: ANN.password })).status).toBe(202)
    const mails = async (address: string) =>
      (
        JSON.parse(
          (await service.send({ url: `/dev/mail?to=${address}`, headers: { accept: 'application/json' } })).text,
        ) as unknown[]
      ).length
    // Another one, who asked behind them, has theirs.
    const other = newAddress()
    expect((await service.json('/accounts', { email: other, password: ANN.password })).status).toBe(202)
    await vi.waitFor(async () => expect([await mails(email), await mails(other)]).toEqual([5, 1]))
  })
})

describe('the feed', () => {
  it('is opened by one resource server as often as the setting says', async () => {
    const own = await openService(undefined, { LEDGATE_RATE_LIMITS: 'feed_openings_at_once=2' })
    const open = () => own.send({ method: 'GET', url: '/revocations/snapshot', headers: { authorization: ORDERS_API } })
    expect([(await open()).status, (await open()).status]).toEqual([200, 200])
    const statuses = new Set<number>()
    for (let times = 0; times < 50 && !statuses.has(429); times += 1) statuses.add((await open()).status)
    expect(statuses).toContain(429)
    await own.close()
  })
})
