import {
  LONGEST_LIFETIME,
  MAX_ACCESS_TOKEN,
  MAX_AUTHORIZATION_BYTES,
  MAX_METADATA_BYTES,
  MAX_RESOURCE,
  MAX_SCOPE_TOKEN,
  MAX_TOKEN_IN_FORM,
} from '@ledgate/oauth'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ADMINISTRATION_SCOPES } from '../../src/admin/vocabulary/index.ts'
import { MAX_SUPERSEDED } from '../../src/signing-key/remembered.decider.ts'
import { ANN, basic, BOOTSTRAP, openService, ORDERS_API, type Service } from './service.ts'

const EVE = { email: 'eve@example.com', password: 'e'.repeat(256) }
const CONSOLE = basic('console', 'console-secret')
const scopes = Array.from({ length: 80 }, (_, n) => `orders:${'x'.repeat(34)}${n}`)

let service: Service
let url: string
let token: string

const call = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: object) =>
  service.send({
    method,
    url: path,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { payload: JSON.stringify(body) }),
  })

const signIn = (person: { email: string; password: string }, scope: string, authorization = CONSOLE) =>
  service.token({ grant_type: 'password', username: person.email, password: person.password, scope }, authorization)

beforeAll(async () => {
  const [orders, ...resources] = BOOTSTRAP.resources
  const console = {
    client_id: 'console',
    client_secret: 'console-secret',
    grant_types: ['password', 'refresh_token'],
    scope: [...scopes, ...ADMINISTRATION_SCOPES, 'ledgate:account'].join(' '),
  }
  service = await openService({
    resources: [{ ...orders, scopes_supported: [...(orders?.scopes_supported ?? []), ...scopes] }, ...resources],
    clients: [...BOOTSTRAP.clients, console],
    users: [...BOOTSTRAP.users, { ...EVE, roles: ['ledgate:admin'] }],
  })
  url = await service.listen()
  token = String((await signIn(EVE, ADMINISTRATION_SCOPES.join(' '))).body['access_token'])
})
afterAll(() => service.close())

/** As many rights as one person may have. */
function mostRights(): { roles: string[]; entitlements: string[] } {
  const room = MAX_AUTHORIZATION_BYTES - JSON.stringify([[], []]).length
  const words = Array.from({ length: Math.floor(room / 103) }, (_, n) => String(n).padEnd(100, 'r'))
  return { roles: words.filter((_, n) => n % 2 === 0), entitlements: words.filter((_, n) => n % 2 === 1) }
}

describe('the largest token', () => {
  it('is shown in a header, introspected and revoked', async () => {
    const person = { email: 'much@example.com', password: 'a quiet harbour at night' }
    expect((await call('POST', '/admin/users', { ...person, ...mostRights() })).status).toBe(201)
    const answer = await signIn(person, scopes.join(' '))
    const access = String(answer.body['access_token'])
    expect(access.length).toBeGreaterThan(MAX_ACCESS_TOKEN / 2)
    expect(access.length).toBeLessThanOrEqual(MAX_ACCESS_TOKEN)
    const shown = await fetch(`${url}/accounts/me`, { headers: { authorization: `Bearer ${access}` } })
    expect([401, 403]).toContain(shown.status) // it is read, and is for another resource
    expect(await service.introspect(access, ORDERS_API)).toMatchObject({ active: true })
    expect((await service.revoke(access, CONSOLE)).status).toBe(200)
    expect(await service.introspect(access, ORDERS_API)).toEqual({ active: false })
  })

  it('is all that can be assigned: more is refused at every door', async () => {
    const words = (prefix: string) => Array.from({ length: 60 }, (_, n) => `${prefix}${n}`.padEnd(100, 'r'))
    const much = { roles: words('r'), entitlements: words('e') }
    const created = await call('POST', '/admin/users', { email: 'x@example.com', password: 'fine as it is', ...much })
    expect(created).toMatchObject({ status: 400, body: { error: 'invalid_request' } })
    const { sub } = (await call('POST', '/admin/users/find', { email: ANN.email })).body
    expect((await call('PUT', `/admin/users/${String(sub)}/roles`, much)).status).toBe(400)
    await expect(openService({ ...BOOTSTRAP, users: [{ ...ANN, email: 'y@example.com', ...much }] })).rejects.toThrow(
      /roles and entitlements/,
    )
  })
})

describe('the largest token of any older version', () => {
  it('is looked at in a form, beside whatever proves who asks', async () => {
    const token = 'x'.repeat(MAX_TOKEN_IN_FORM)
    const proofs = { client_id: 'orders', client_secret: 'orders-secret' }
    const asked = await service.form('/oauth2/introspect', { token, ...proofs })
    expect(asked).toMatchObject({ status: 200, body: { active: false } })
    const assertion = { client_assertion_type: 'x'.repeat(100), client_assertion: 'a'.repeat(16_384) }
    expect((await service.form('/oauth2/revoke', { token, ...assertion })).status).toBe(400) // read, and no assertion
  })
})

describe('a password', () => {
  it('of 256 characters signs in, however it was set; a longer one is rejected everywhere', async () => {
    for (const [password, status] of [
      ['é'.repeat(256), 201],
      ['é'.repeat(257), 400],
    ] as const) {
      const email = `p${status}@example.com`
      expect((await call('POST', '/admin/users', { email, password })).status).toBe(status)
      expect((await signIn({ email, password }, '', basic('web', 'web: secret+%'))).status).toBe(
        status === 201 ? 200 : 400,
      )
    }
    const tooLong = { email: 'z@example.com', password: 'z'.repeat(257) }
    await expect(openService({ ...BOOTSTRAP, users: [tooLong] })).rejects.toThrow(/256 characters/)
    expect((await service.json('/accounts', tooLong)).body).toMatchObject({ error: 'invalid_password' })
  })
})

describe('at every door of a person', () => {
  /** The token of the newest mail to an address. */
  async function mailed(address: string, subject: RegExp): Promise<string> {
    const url = `/dev/mail?to=${encodeURIComponent(address)}`
    return vi.waitFor(async () => {
      const { text } = await service.send({ method: 'GET', url, headers: { accept: 'application/json' } })
      const mails = JSON.parse(text) as { subject: string; token?: string }[]
      const token = mails.find((mail) => subject.test(mail.subject))?.token
      expect(token).toBeDefined()
      return String(token)
    })
  }
  const me = (method: 'POST' | 'PATCH', path: string, access: unknown, body: object) =>
    service.send({
      method,
      url: `/accounts/me${path}`,
      headers: { authorization: `Bearer ${String(access)}`, 'content-type': 'application/json' },
      payload: JSON.stringify(body),
    })
  const ownToken = async (person: { email: string; password: string }) =>
    (await signIn(person, 'ledgate:account')).body['access_token']

  it.each([
    ['of two units each', '\u{1F600}'],
    ['that are composed of two', 'e\u0301'],
  ])('a password has 256 characters %s, and not one more', async (_, character) => {
    const email = `door-${character.codePointAt(0)}@example.com`
    const password = character.repeat(256)
    const over = character.repeat(257)
    const tooLong = { status: 400, body: { error: 'invalid_password' } }
    const json = (path: string, body: object) => service.json(path, body)

    expect(await json('/accounts', { email, password: over })).toMatchObject(tooLong)
    expect((await json('/accounts', { email, password })).status).toBe(202)
    const confirming = await mailed(email, /Confirm your address/)
    expect(await json('/accounts/confirm', { token: confirming, new_password: over })).toMatchObject(tooLong)
    expect((await json('/accounts/confirm', { token: confirming, new_password: password })).status).toBe(200)

    const access = await ownToken({ email, password })
    const change = (new_password: string) =>
      me('POST', '/password', access, { current_password: password, new_password })
    expect(await change(over)).toMatchObject(tooLong)
    expect((await change(`x${character.repeat(255)}`)).status).toBe(200)

    expect((await json('/accounts/reset', { email })).status).toBe(202)
    const resetting = await mailed(email, /Set a new password/)
    expect(await json('/accounts/reset', { token: resetting, new_password: over })).toMatchObject(tooLong)
    expect((await json('/accounts/reset', { token: resetting, new_password: password })).status).toBe(200)
    expect(await ownToken({ email, password })).toBeDefined()
  })

  it('a name and an address are as long as at any other', async () => {
    const person = { email: 'names@example.com', password: 'a quiet harbour at noon' }
    const create = (changes: object) => call('POST', '/admin/users', { ...person, ...changes })
    const register = (changes: object) => service.json('/accounts', { ...person, email: 'r@example.com', ...changes })
    expect((await create({})).status).toBe(201)
    const access = await ownToken(person)
    for (const [name, isTaken] of [
      ['n'.repeat(256), true],
      ['n'.repeat(257), false],
      ['line\nfeed', false],
    ] as const) {
      expect((await create({ email: `${name.length}@example.com`, name })).status).toBe(isTaken ? 201 : 400)
      expect((await register({ name })).status).toBe(isTaken ? 202 : 400)
      expect((await me('PATCH', '', access, { name })).status).toBe(isTaken ? 204 : 400)
    }
    const label = 'd'.repeat(60)
    const domain = (length: number) => `${label}.${label}.${label}.example`.slice(-length).replace(/^\.+/, 'x')
    for (const [email, isTaken] of [
      [`${'l'.repeat(64)}@example.com`, true],
      [`${'l'.repeat(65)}@example.com`, false],
      [`${'l'.repeat(64)}@${domain(189)}`, true], // 254 in all
      [`${'l'.repeat(64)}@y${domain(189)}`, false],
    ] as const) {
      expect((await create({ email })).status, email).toBe(isTaken ? 201 : 400)
      expect((await register({ email })).status, email).toBe(isTaken ? 202 : 400)
      const asked = await me('POST', '/email', access, { email, password: person.password })
      expect(asked.status, email).toBe(isTaken ? 202 : 400)
    }
  })
})

describe('a client', () => {
  const create = (metadata: object) => call('POST', '/admin/clients', metadata)
  const lifetimes = ['access_token_expires_in', 'refresh_token_expires_in', 'refresh_token_idle_expires_in']
  const lasting = (seconds: number) => Object.fromEntries(lifetimes.map((name) => [name, seconds]))

  it('of the longest lifetimes gets tokens and renews them; longer ones are refused', async () => {
    const metadata = { grant_types: ['password', 'refresh_token'], scope: 'plain' }
    const { body, status } = await create({ ...metadata, ...lasting(LONGEST_LIFETIME) })
    expect(status).toBe(201)
    const own = basic(String(body['client_id']), String(body['client_secret']))
    const first = await signIn(ANN, 'plain', own)
    expect(first.status).toBe(200)
    expect((await service.refresh(String(first.body['refresh_token']), {}, own)).status).toBe(200)
    for (const seconds of [LONGEST_LIFETIME + 1, Number.MAX_SAFE_INTEGER])
      expect((await create({ ...metadata, ...lasting(seconds) })).body).toMatchObject({
        error: 'invalid_client_metadata',
      })
  })

  it('of a file, with the longest secret, authenticates with it in header or body', async () => {
    const secret = '%:+ ~&='.padEnd(256, '"\\')
    const named = (method: string) => ({
      ...{ client_id: method, client_secret: secret, token_endpoint_auth_method: method },
      ...{ grant_types: ['client_credentials'], scope: 'plain' },
    })
    const own = await openService({ clients: [named('client_secret_basic'), named('client_secret_post')] })
    const asked = { grant_type: 'client_credentials' }
    expect((await own.token(asked, basic('client_secret_basic', secret))).status).toBe(200)
    const posted = { ...asked, client_id: 'client_secret_post', client_secret: secret }
    expect((await own.token(posted)).status).toBe(200)
    await own.close()
    await expect(
      openService({ clients: [{ ...named('client_secret_basic'), client_secret: `${secret}x` }] }),
    ).rejects.toThrow(/client_secret/)
  })

  it('gets tokens for the longest identifier and scope there are, which are introspected and taken back', async () => {
    const resource = 'https://long.example/'.padEnd(MAX_RESOURCE, 'r')
    const scope = 's'.repeat(MAX_SCOPE_TOKEN)
    const server = await call('POST', '/admin/resources', { resource, scopes_supported: [scope] })
    expect(server.status).toBe(201)
    const { body } = await create({ grant_types: ['client_credentials'], scope })
    const own = basic(String(body['client_id']), String(body['client_secret']))
    const answer = await service.token({ grant_type: 'client_credentials', scope, resource }, own)
    expect(answer.status).toBe(200)
    const api = basic(String(server.body['client_id']), String(server.body['client_secret']))
    const token = String(answer.body['access_token'])
    expect(await service.introspect(token, api)).toMatchObject({ active: true, aud: resource, scope })
    expect((await service.revoke(token, own)).status).toBe(200)
    expect(await service.introspect(token, api)).toEqual({ active: false })
  })

  it('has a name that a URL can say', async () => {
    const metadata = { grant_types: ['client_credentials'], scope: 'plain' }
    for (const client_id of ['.', '..', 'x'.repeat(101), 'x'.repeat(70_000)])
      expect((await create({ client_id, ...metadata })).status, client_id.slice(0, 3)).toBe(400)
    for (const client_id of ['...', '.a', 'a.', '~', '-', '_', '%2e'.replace('%', '~'), 'x'.repeat(100)]) {
      expect((await create({ client_id, ...metadata })).status, client_id).toBe(201)
      const path = `${url}/admin/clients/${encodeURIComponent(client_id)}`
      const shown = await fetch(path, { headers: { authorization: `Bearer ${token}` } })
      expect(await shown.json()).toMatchObject({ client_id })
      expect((await service.operate('clients disable', { client_id })) === 200, client_id).toBe(true)
    }
  })

  it('with the largest metadata is stored, and disabled later; more is refused', async () => {
    const of = (length: number) => ({
      grant_types: ['client_credentials'],
      scope: 'plain',
      redirect_uris: Array.from({ length }, (_, n) => `https://app.example/${String(n).padEnd(180, 'r')}`),
    })
    expect(JSON.stringify(of(90)).length).toBeGreaterThan(MAX_METADATA_BYTES)
    expect((await create(of(90))).body).toMatchObject({ error: 'invalid_client_metadata' })
    const { body, status } = await create(of(75))
    expect(status).toBe(201)
    expect((await call('POST', `/admin/clients/${String(body['client_id'])}/disable`, {})).status).toBe(204)
  })
})

describe('the keys', () => {
  it('that were superseded are so many at most: another rotation is refused until one is not needed, and to compromise one is not', async () => {
    const rotate = () => call('POST', '/admin/keys/derivation/rotate', {})
    const active = async () => {
      const { keys } = (await call('GET', '/admin/keys')).body as {
        keys: { use: string; kid: string; status: string }[]
      }
      return keys.find(({ use, status }) => use === 'derivation' && status === 'active')?.kid ?? ''
    }
    for (let times = 0; times < MAX_SUPERSEDED; times += 1) expect((await rotate()).status).toBe(204)
    const refused = await rotate()
    expect(refused).toMatchObject({ status: 409, body: { error: 'refused' } })
    expect(refused.body['error_description']).toMatch(/superseded keys are still needed/)
    for (let times = 0; times < 20; times += 1) {
      const path = `/admin/keys/derivation/${await active()}/compromise`
      expect((await call('POST', path, {})).status).toBe(204)
      expect((await call('POST', path, {})).status).toBe(204) // it has ended: nothing more to do
    }
    expect((await call('POST', '/admin/keys/derivation/nothing/compromise', {})).status).toBe(404)
  })
})
