import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  ANN,
  basic,
  BATCH,
  type Form,
  ISSUER,
  openService,
  ORDERS,
  POSTING,
  type Service,
  STOCK,
  WEB,
} from './service.ts'
import { grantTypes } from '../../src/token/index.ts'

let service: Service
beforeAll(async () => {
  service = await openService()
})
afterAll(() => service.close())

const services = (fields: Readonly<Record<string, string>> = {}, authorization?: string) =>
  service.token({ grant_type: 'client_credentials', ...fields }, authorization)

/** RFC 6749 §5.2: an error code, perhaps a description of its characters, nothing else. */
function expectError(answer: Awaited<ReturnType<typeof services>>, status: number, error: string): void {
  expect({ status: answer.status, error: answer.body['error'] }).toEqual({ status, error })
  const { error: _, error_description: description = '', ...rest } = answer.body as Record<string, string>
  expect(rest).toEqual({})
  expect(description).toMatch(/^[\x20-\x21\x23-\x5B\x5D-\x7E]*$/)
  expect(answer.headers['cache-control']).toBe('no-store')
  expect(answer.text).not.toMatch(/at .*\.ts|node_modules|Error:/)
}

describe('RFC 6749 §2.3: a client proves itself', () => {
  it('by the header, percent-encoded, or by the body, as it was registered', async () => {
    expect((await services({ scope: 'orders:read' }, WEB)).status).toBe(200)
    expect((await services(POSTING)).status).toBe(200)
  })

  it('and gets only invalid_client when it does not, with a challenge where the header was used', async () => {
    const wrong = await services({}, basic('web', 'wrong'))
    expectError(wrong, 401, 'invalid_client')
    expect(wrong.headers['www-authenticate']).toMatch(/^Basic /)
    const unknown = await services({}, basic('nobody', 'wrong'))
    expectError(unknown, 401, 'invalid_client')
    expect(unknown.text).toBe(wrong.text)
    expectError(await services({ ...POSTING, client_secret: 'wrong' }), 401, 'invalid_client')
    expectError(await services({ client_id: 'web', client_secret: 'web: secret+%' }), 401, 'invalid_client')
    expectError(await services({ client_id: 'web' }), 401, 'invalid_client')
    expectError(await services({}), 401, 'invalid_client')
    expectError(await services({}, 'Bearer x'), 401, 'invalid_client')
    expectError(await services({}, basic('orders', 'orders-secret')), 401, 'invalid_client')
  })

  it('in one way only', async () => {
    expectError(await services(POSTING, WEB), 400, 'invalid_request')
    expectError(await services({ client_id: 'batch' }, WEB), 400, 'invalid_request')
  })
})

describe('RFC 6749 §3.2: a token request', () => {
  it.each<[string, Form]>([
    ['with no grant_type', { scope: 'plain' }],
    ['with an empty grant_type, which counts as absent', { grant_type: '' }],
    [
      'with a parameter twice',
      [
        ['grant_type', 'client_credentials'],
        ['scope', 'plain'],
        ['scope', 'plain'],
      ],
    ],
    [
      'with the grant_type twice',
      [
        ['grant_type', 'client_credentials'],
        ['grant_type', 'password'],
      ],
    ],
    ['for a password without a password', { grant_type: 'password', username: ANN.email }],
    ['for a refresh without a token', { grant_type: 'refresh_token' }],
  ])('%s is an invalid_request', async (_, form) => {
    expectError(await service.token(form, WEB), 400, 'invalid_request')
  })

  it('for an unknown grant type, or one the client may not use, is rejected as such', async () => {
    for (const grant_type of ['implicit', 'constructor', '__proto__', 'PASSWORD'])
      expectError(await service.token({ grant_type }, WEB), 400, 'unsupported_grant_type')
    expectError(await service.signIn({}, BATCH), 400, 'unauthorized_client')
    expectError(await services({ client_id: 'page' }), 400, 'unauthorized_client')
  })

  it.each([
    ['JSON', 'application/json', '{"grant_type":"client_credentials"}'],
    ['multipart', 'multipart/form-data; boundary=x', '--x--'],
    ['text', 'text/plain', 'grant_type=client_credentials'],
  ])('as %s is refused without a hint', async (_, type, payload) => {
    const headers = { 'content-type': type, authorization: WEB }
    const answer = await service.send({ method: 'POST', url: '/oauth2/token', headers, payload })
    expect([400, 415]).toContain(answer.status)
    expect(answer.body['error']).toBe('invalid_request')
  })

  it('that is huge is refused as too large, and one by GET is none', async () => {
    expect((await services({ scope: 'x'.repeat(100_000) }, WEB)).status).toBe(413)
    expect((await service.get('/oauth2/token?grant_type=client_credentials')).status).toBe(404)
  })

  it.each(['\0', 'a\0b', '\ud800', '%00', '\u202e', '😀'.repeat(300), 'a"b', 'a\\b', '\r\nx: y'])(
    'with odd characters (%j) anywhere is refused and never fails',
    async (odd) => {
      const answers = [await service.refresh(odd), await service.refresh('r1.x', { refresh_attempt: odd })]
      for (const field of ['grant_type', 'scope', 'resource', 'client_id', 'username', 'password'])
        answers.push(await service.signIn({ [field]: odd }))
      for (const answer of answers) {
        expect([400, 401, 413]).toContain(answer.status)
        expect(answer.body['error']).toMatch(/^[a-z_]+$/)
      }
    },
  )
})

describe('RFC 6749 §4.3 and §4.4: tokens', () => {
  it('come by password with a refresh token, and for a service without one', async () => {
    const person = await service.signIn({ scope: 'orders:read' })
    expect(person).toMatchObject({ status: 200, headers: { 'cache-control': 'no-store', pragma: 'no-cache' } })
    expect(person.body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 300,
      scope: 'orders:read',
      refresh_token: expect.stringMatching(/^r1\./),
    })
    const own = await services({ scope: 'orders:read' }, WEB)
    expect(Object.keys(own.body).toSorted()).toEqual(['access_token', 'expires_in', 'scope', 'token_type'])
    expect(own.headers['ledgate-position']).toMatch(/^\d+$/)
  })

  it('are not issued for a wrong password or an unknown address, with the same answer for both', async () => {
    const wrong = await service.signIn({ password: 'another password' })
    expectError(wrong, 400, 'invalid_grant')
    const unknown = await service.signIn({ username: 'nobody@example.com' })
    expect(unknown.text).toBe(wrong.text)
  })

  it('carry no more scope than the client may have', async () => {
    expectError(await services({ scope: 'orders:read admin' }, WEB), 400, 'invalid_scope')
    expectError(await services({ scope: 'orders:read  orders:write\t' }, WEB), 400, 'invalid_scope')
    expect((await services({}, BATCH)).body['scope']).toBe('plain')
  })
})

describe('RFC 9068: an access token', () => {
  it('says who, for whom and by which client, signed by a published key', async () => {
    const { body } = await service.signIn({ scope: 'orders:read' })
    const keys = createLocalJWKSet((await service.get('/oauth2/jwks')).body as never)
    const verified = await jwtVerify(body['access_token'] as string, keys, {
      issuer: ISSUER,
      audience: ORDERS,
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'jti', 'sub', 'client_id'],
    })
    expect(verified.protectedHeader).toMatchObject({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) })
    expect(verified.payload).toMatchObject({
      client_id: 'web',
      scope: 'orders:read',
      roles: ['buyer'],
      entitlements: ['discount'],
      amr: ['pwd'],
      auth_time: expect.any(Number),
      sid: expect.any(String),
      gid: expect.any(String),
      user_epoch: 0,
      client_epoch: 0,
      issuer_epoch: 0,
    })
    expect(verified.payload.exp).toBe((verified.payload.iat ?? 0) + 300)
    expect(JSON.stringify(verified.payload)).not.toContain('ann')
  })

  it('of a service is about the client itself, and lives as long as the client may, up to the cap', async () => {
    const { body } = await services({}, BATCH)
    const claims = decodeJwt(body['access_token'] as string)
    expect(claims).toMatchObject({ sub: 'batch', client_id: 'batch', aud: ISSUER })
    expect(claims).not.toHaveProperty('roles')
    expect(claims).not.toHaveProperty('sid')
    expect([body['expires_in'], (claims.exp ?? 0) - (claims.iat ?? 0)]).toEqual([3600, 3600])
  })
})

describe('RFC 8707: the audience', () => {
  const audience = async (fields: Form) => {
    const { body } = await service.token(fields, WEB)
    return decodeJwt(body['access_token'] as string).aud
  }
  const asked = (...resources: string[]): Form => [
    ['grant_type', 'client_credentials'],
    ['scope', resources.includes(STOCK) ? 'orders:read stock:read' : 'orders:read'],
    ...resources.map((resource) => ['resource', resource] as const),
  ]

  it('is the resource that was asked for, or all of them', async () => {
    expect(await audience(asked(ORDERS))).toBe(ORDERS)
    expect(await audience(asked(ORDERS, STOCK))).toEqual([ORDERS, STOCK])
  })

  it('is else the one that owns the scopes, else the issuer', async () => {
    expect(await audience({ grant_type: 'client_credentials', scope: 'orders:read plain' })).toBe(ORDERS)
    expect(await audience({ grant_type: 'client_credentials', scope: 'orders:read stock:read' })).toBe(ISSUER)
    expect(await audience({ grant_type: 'client_credentials', scope: 'plain' })).toBe(ISSUER)
  })

  it.each(['https://unknown.example/', 'not a uri', '/orders', `${ORDERS}#part`])(
    'of %s does not exist',
    async (resource) => {
      expectError(await service.token(asked(resource), WEB), 400, 'invalid_target')
    },
  )

  it('leaves no scope to a resource that was not asked for', async () => {
    const form = { grant_type: 'client_credentials', scope: 'orders:read', resource: STOCK }
    expectError(await service.token(form, WEB), 400, 'invalid_target')
  })
})

describe('RFC 7517 and RFC 8414: what others read', () => {
  it('are public keys without a private member, cacheable for a while', async () => {
    const answer = await service.get('/oauth2/jwks')
    const { keys } = answer.body as unknown as { keys: Record<string, string>[] }
    expect(keys.length).toBeGreaterThanOrEqual(2)
    for (const key of keys)
      for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k', 'oth']) expect(key).not.toHaveProperty(secret)
    expect(answer.headers['cache-control']).toMatch(/max-age=300/)
    const { body } = await services({}, BATCH)
    expect(keys.map(({ kid }) => kid)).toContain(decodeProtectedHeader(body['access_token'] as string).kid)
  })

  it('is metadata whose endpoints answer and whose values the server takes', async () => {
    const { body } = await service.get('/.well-known/oauth-authorization-server')
    const metadata = body as unknown as Record<string, string> & { grant_types_supported: string[] }
    expect(metadata['issuer']).toBe(ISSUER)
    for (const name of ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint']) {
      const { pathname, origin } = new URL(metadata[name] ?? '')
      expect(origin).toBe(ISSUER)
      expect((await service.form(pathname, {})).status).not.toBe(404)
    }
    expect((await service.get(new URL(metadata['jwks_uri'] ?? '').pathname)).status).toBe(200)
    expect(metadata.grant_types_supported).toEqual(Object.keys(grantTypes))
    for (const grant_type of metadata.grant_types_supported)
      expect((await service.token({ grant_type }, WEB)).body['error']).not.toBe('unsupported_grant_type')
  })
})
