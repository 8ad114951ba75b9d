import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMINISTRATION_SCOPES, OPERATIONS } from '../../src/admin/vocabulary/index.ts'
import { administered, CONSOLE, openService } from './service.ts'

const EVE = { email: 'eve@example.com', password: 'the seventh wave is tall' }

const WORLD = administered(EVE, ADMINISTRATION_SCOPES)

let service: Awaited<ReturnType<typeof openService>>
let token: string
let erased: string
const send = (method: string, url: string, body?: object) =>
  service.send({
    method: method as 'GET',
    url,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { payload: JSON.stringify(body) }),
  })

beforeAll(async () => {
  service = await openService(WORLD)
  const scope = ADMINISTRATION_SCOPES.join(' ')
  const asked = { grant_type: 'password', username: EVE.email, password: EVE.password, scope }
  token = String((await service.token(asked, CONSOLE)).body['access_token'])
  const made = await send('POST', '/admin/users', { email: 'gone@example.com', password: 'seven grey herons' })
  erased = String(made.body['sub'])
  expect((await send('DELETE', `/admin/users/${erased}`)).status).toBe(204)
})
afterAll(() => service.close())

const RESOURCE = { resource: 'https://nowhere.example/', scopes_supported: ['nowhere:read'] }
const BODIES: Readonly<Record<string, object>> = {
  'users roles': { roles: ['reader'], entitlements: [] },
  'users find': { email: 'nobody@example.com' },
  'clients update': { grant_types: ['client_credentials'], scope: 'orders:read' },
  'resources update': RESOURCE,
}

/** Every operation that names something which has to be there. */
const naming = OPERATIONS.filter(({ path, command }) => /:(sub|client_id|kid)/.test(path) || command === 'users find')
const filled = (path: string, sub: string) =>
  path
    .replace(':sub', sub)
    .replace(':client_id', 'nobody')
    .replace(':secret_id', 'f'.repeat(32))
    .replace(':use', 'signing')
    .replace(':kid', 'nothing')

describe('what is not there', () => {
  it.each(naming)('is 404 for $command', async ({ command, method, path }) => {
    const answer = await send(method, filled(path, `u_${'0'.repeat(31)}1`), BODIES[command])
    expect([answer.status, answer.body['error']]).toEqual([404, 'not_found'])
  })

  it.each(
    naming.filter(({ path, command }) => path.includes(':sub') && !['users show', 'users erase'].includes(command)),
  )('is 404 for $command, once its person was erased', async ({ command, method, path }) => {
    const answer = await send(method, filled(path, erased), BODIES[command])
    expect([answer.status, answer.body['error']]).toEqual([404, 'not_found'])
  })

  it('is 404 for an unknown secret of a client or a resource server, too', async () => {
    for (const path of ['/admin/clients/console', '/admin/resources/orders'])
      expect((await send('DELETE', `${path}/secrets/${'f'.repeat(32)}`)).status).toBe(404)
  })
})

describe('what is not there, to the command line', () => {
  const NOBODY = {
    sub: `u_${'0'.repeat(31)}1`,
    client_id: 'nobody',
    secret_id: 'f'.repeat(32),
    use: 'signing',
    kid: 'nothing',
    reason: 'test',
  }
  const inputOf = (command: string) => {
    const body = BODIES[command]
    return { ...NOBODY, ...body, ...(/^(clients|resources)/.test(command) && body && { metadata: body }) }
  }

  it.each(naming)('is 404 for $command', async ({ command }) => {
    expect(await service.operate(command, inputOf(command))).toBe(404)
  })

  it.each(naming.filter(({ path, command }) => path.includes(':sub') && command !== 'users erase'))(
    'is 404 for $command and the address of somebody who was erased',
    async ({ command }) => {
      expect(await service.operate(command, { ...inputOf(command), sub: 'gone@example.com' })).toBe(404)
    },
  )
})

describe('every command that is done', () => {
  it('is answered as done: a resource server and a client go through their whole life', async () => {
    for (const [noun, metadata] of [
      ['resources', RESOURCE],
      ['clients', { grant_types: ['client_credentials'], scope: 'orders:read' }],
    ] as const) {
      const made = await send('POST', `/admin/${noun}`, metadata)
      expect(made.status).toBe(201)
      const at = `/admin/${noun}/${String(made.body['client_id'])}`
      const secret = await send('POST', `${at}/secrets`)
      expect(secret.status).toBe(201)
      const answers = [
        await send('POST', `${at}/disable`),
        await send('POST', `${at}/enable`),
        await send('DELETE', `${at}/secrets/${String(secret.body['secret_id'])}`),
        await send('PUT', at, metadata),
        await send('GET', at),
      ]
      expect(answers.map(({ status }) => status)).toEqual([204, 204, 204, 200, 200])
      for (const { headers } of answers.slice(0, 4)) expect(headers['ledgate-position']).toBeDefined()
    }
  })
})
