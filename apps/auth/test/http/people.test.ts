import { join } from 'node:path'
import { openSqliteEventReader } from '@ledgate/eventstore-sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askServer } from '../../src/admin/cli/index.ts'
import { socketPath } from '../../src/admin/vocabulary/index.ts'
import { ANN, type Answer, openService, type Service } from './service.ts'

let service: Service
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.close())

const GOOD = 'seven grey herons'
let people = 0
const newAddress = () => `person-${(people += 1)}@example.com`

const register = (email: string, password = GOOD) => service.json('/accounts', { email, password })

/** The newest mailed token for an address, once it is there. */
async function mailed(email: string): Promise<string> {
  let token: string | undefined
  await expect
    .poll(
      async () => {
        const { text } = await service.send({ url: `/dev/mail?to=${email}`, headers: { accept: 'application/json' } })
        return (token = (JSON.parse(text) as { token?: string }[])[0]?.token)
      },
      { timeout: 10_000 },
    )
    .toBeDefined()
  return String(token)
}

const operate = (command: string, input: object) =>
  askServer(socketPath(service.config.dataDir), { command, input, operator: 'tester' })

const errorOf = ({ status, body }: Answer) => [status, body['error']]
const alive = async ({ body }: Answer) => (await service.introspect(String(body['access_token'])))['active']

/** Events of a person's address and account. */
async function eventsOf(type: string): Promise<number> {
  const reader = await openSqliteEventReader({ file: join(service.config.dataDir, 'events.db') })
  let count = 0
  for await (const event of reader.readAll()) if (event.type === type) count += 1
  await reader.close()
  return count
}

describe('POST /accounts', () => {
  it('answers the same for a free, a reserved and a taken address', async () => {
    const address = newAddress()
    const answers = [await register(address), await register(address), await register(ANN.email)]
    for (const { status, text, headers } of answers) {
      expect([status, text]).toEqual([202, '{"status":"accepted"}'])
      expect(headers['cache-control']).toBe('no-store')
      expect(Object.keys(headers).sort()).toEqual(Object.keys(answers[0]?.headers ?? {}).sort())
    }
  })

  it('64 times at once makes one account', async () => {
    const [address, before] = [newAddress(), await eventsOf('UserRegistered')]
    const answers = await Promise.all(Array.from({ length: 64 }, (_, index) => register(address, `${GOOD} ${index}`)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202]))
    const token = await mailed(address)
    expect((await service.json('/accounts/confirm', { token, new_password: GOOD })).status).toBe(200)
    expect((await service.signIn({ username: address, password: GOOD })).status).toBe(200)
    expect((await eventsOf('UserRegistered')) - before).toBe(1)
  })

  it.each([
    [{ email: 'ann@example.com', password: '1234567' }, 'invalid_password'],
    [{ email: 'ann@example.com', password: 'password' }, 'invalid_password'],
    [{ email: 'ann@example.com', password: 'x'.repeat(257) }, 'invalid_password'],
    [{ email: 'no address', password: GOOD }, 'invalid_request'],
    [{ email: 'a@b@c', password: GOOD }, 'invalid_request'],
    [{ email: `${'x'.repeat(255)}@example.com`, password: GOOD }, 'invalid_request'],
    [{ email: 'bob@example.com' }, 'invalid_request'],
    [{ email: 'bob@example.com', password: 12345678 }, 'invalid_request'],
    [{ email: 'bob@example.com', password: GOOD, admin: true }, 'invalid_request'],
    [{ email: 'bob@example.com', password: GOOD, name: 'a\u0000b' }, 'invalid_request'],
  ])('refuses %j with %s', async (body, error) => {
    const answer = await service.json('/accounts', body)
    expect(errorOf(answer)).toEqual([400, error])
    expect(answer.text).not.toContain(GOOD)
  })

  it('takes an address however it is written as the same one', async () => {
    const address = newAddress()
    await register(` ${address.toUpperCase()} `)
    const token = await mailed(address)
    expect((await service.json('/accounts/confirm', { token, password: GOOD })).status).toBe(200)
    expect((await service.signIn({ username: address.toUpperCase(), password: GOOD })).status).toBe(200)
  })
})

describe('/accounts/confirm', () => {
  it('lets a user sign in, and no one before', async () => {
    const address = newAddress()
    await register(address)
    const token = await mailed(address)
    const unconfirmed = await service.signIn({ username: address, password: GOOD })
    const wrong = await service.signIn({ username: address, password: 'a wrong one' })
    const nobody = await service.signIn({ username: newAddress(), password: GOOD })
    expect(errorOf(unconfirmed)).toEqual([400, 'invalid_grant'])
    expect([wrong.text, nobody.text]).toEqual([unconfirmed.text, unconfirmed.text])
    expect(
      (await service.json('/accounts/confirm', { token, password: GOOD })).headers['ledgate-position'],
    ).toBeDefined()
    expect((await service.signIn({ username: address, password: GOOD })).status).toBe(200)
  })

  it('knows the page from the programme: looking changes nothing, a form is answered with a page', async () => {
    const address = newAddress()
    await register(address)
    const token = await mailed(address)
    for (let looks = 0; looks < 3; looks += 1) {
      const page = await service.get(`/accounts/confirm?token=${token}`)
      expect([page.status, page.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
      expect(page.headers['referrer-policy']).toBe('no-referrer')
      expect(String(page.headers['content-security-policy'])).toContain("default-src 'none'")
    }
    expect(errorOf(await service.signIn({ username: address, password: GOOD }))).toEqual([400, 'invalid_grant'])
    const wrong = await service.form('/accounts/confirm', { token, password: 'not that one' })
    expect([wrong.status, wrong.text.includes('not the password')]).toEqual([400, true])
    const done = await service.form('/accounts/confirm', { token, password: GOOD })
    expect([done.status, done.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect((await service.get('/accounts/confirm?token=nonsense')).status).toBe(400)
  })

  it.each([
    [{ token: 'm1.x.y.z', password: GOOD }, 400, 'invalid_token'],
    [{ token: 'm1.x.y.z' }, 400, 'invalid_request'],
    [{ token: 'm1.x.y.z', password: GOOD, new_password: GOOD }, 400, 'invalid_request'],
    [{ password: GOOD }, 400, 'invalid_request'],
  ])('refuses %j', async (body, status, error) => {
    expect(errorOf(await service.json('/accounts/confirm', body))).toEqual([status, error])
  })
})

describe('GET /dev/mail', () => {
  it('has the email of a user who has just registered', async () => {
    const address = newAddress()
    await register(address)
    const { text } = await service.send({ url: `/dev/mail?to=${address}`, headers: { accept: 'application/json' } })
    const [mail] = JSON.parse(text) as { token: string }[]
    expect((await service.json('/accounts/confirm', { token: mail?.token, password: GOOD })).status).toBe(200)
  })
})

describe('a password', () => {
  it('of 256 characters is known to its last one', async () => {
    const [address, password] = [newAddress(), `${'ü'.repeat(255)}a`]
    await register(address, password)
    await service.json('/accounts/confirm', { token: await mailed(address), password })
    expect((await service.signIn({ username: address, password })).status).toBe(200)
    for (const other of [`${'ü'.repeat(255)}b`, 'ü'.repeat(255), `${password}a`])
      expect(errorOf(await service.signIn({ username: address, password: other }))).toEqual([400, 'invalid_grant'])
  })
})

describe('an operator', () => {
  it('disables a person: no sign-in, every token dead; enables: only new tokens live', async () => {
    const address = newAddress()
    await operate('users create', { email: address, password: GOOD })
    const before = await service.signIn({ username: address, password: GOOD, scope: 'orders:read' })
    expect(await alive(before)).toBe(true)
    await operate('users disable', { sub: address })
    expect(await alive(before)).toBe(false)
    expect(errorOf(await service.refresh(String(before.body['refresh_token'])))).toEqual([400, 'invalid_grant'])
    const refused = await service.signIn({ username: address, password: GOOD })
    const wrong = await service.signIn({ username: address, password: 'a wrong one' })
    expect([errorOf(refused), refused.text]).toEqual([[400, 'invalid_grant'], wrong.text])
    await operate('users enable', { sub: address })
    expect(await alive(before)).toBe(false)
    expect(await alive(await service.signIn({ username: address, password: GOOD, scope: 'orders:read' }))).toBe(true)
  })

  it('sees users, clients, keys and events with their actors, and no secret', async () => {
    const { sub } = (await operate('users create', { email: newAddress(), password: GOOD })) as { sub: string }
    const { client_secret, client_id } = (await operate('clients create', {
      metadata: { grant_types: ['client_credentials'] },
    })) as { client_id: string; client_secret: string }
    expect(await operate('users show', { sub })).toMatchObject({ sub, disabled: false })
    expect(await operate('clients show', { client_id })).toMatchObject({ client_id })
    const { events } = (await operate('events', { subject: sub })) as { events: { type: string; metadata: object }[] }
    expect(events.map(({ type }) => type)).toEqual(['UserRegistered', 'EmailVerified'])
    const everything = JSON.stringify([
      await operate('events', { last: 1000 }),
      await operate('users list', {}),
      await operate('clients list', {}),
      await operate('keys list', {}),
    ])
    for (const secret of [GOOD, client_secret, ANN.password, 'web-secret', '"d":'])
      expect(everything).not.toContain(secret)
  })

  it('learns what is wrong, and nothing changes', async () => {
    for (const [command, input, why] of [
      ['users disable', { sub: 'nobody@example.com' }, /unknown account/],
      ['users create', { email: 'no address', password: GOOD }, /email/],
      ['clients create', { metadata: { grant_types: ['magic'] } }, /grant_types/],
      ['clients create', { client_id: `u_${'0'.repeat(32)}`, metadata: {} }, /client_id/],
      ['resources show', { client_id: 'nothing' }, /unknown/],
      ['format disk', {}, /unknown command/],
    ] as const)
      await expect(operate(command, input)).rejects.toThrow(why)
  })
})
