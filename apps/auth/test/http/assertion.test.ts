import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BOOTSTRAP, ISSUER, openService, type Service } from './service.ts'

const own = await generateKeyPair('ES256')
const foreign = await generateKeyPair('ES256')

let service: Service
beforeAll(async () => {
  const signing = {
    client_id: 'signing',
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [{ ...(await exportJWK(own.publicKey)), kid: 'own', alg: 'ES256' }] },
    grant_types: ['client_credentials'],
    scope: 'plain',
  }
  service = await openService({ ...BOOTSTRAP, clients: [...BOOTSTRAP.clients, signing] })
})
afterAll(() => service.close())

const now = () => Math.floor(Date.now() / 1000)

/** An assertion as RFC 7523 §3 wants it, but for what is said otherwise. */
const assertion = (claims: Readonly<Record<string, unknown>> = {}, key = own.privateKey): Promise<string> =>
  new SignJWT({
    iss: 'signing',
    sub: 'signing',
    aud: ISSUER,
    jti: randomUUID(),
    iat: now(),
    exp: now() + 60,
    ...claims,
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'own' })
    .sign(key)

const token = (client_assertion: string, more: Readonly<Record<string, string>> = {}) =>
  service.token({
    grant_type: 'client_credentials',
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion,
    ...more,
  })

describe('private_key_jwt (RFC 7523, OpenID Connect Core §9)', () => {
  it('is taken with the issuer or the token endpoint as its audience', async () => {
    expect((await token(await assertion())).status).toBe(200)
    expect((await token(await assertion({ aud: `${ISSUER}/oauth2/token` }))).status).toBe(200)
    expect((await token(await assertion({ aud: [ISSUER] }), { client_id: 'signing' })).status).toBe(200)
  })

  it('is taken once: of 64 at the same time one gets a token, and none later', async () => {
    for (let round = 0; round < 5; round += 1) {
      const same = await assertion()
      const answers = await Promise.all(Array.from({ length: 64 }, () => token(same)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(new Set(answers.map(({ body }) => body['error']))).toEqual(new Set([undefined, 'invalid_client']))
      expect((await token(same)).status).toBe(401)
    }
  })

  it.each([
    ['of another key', () => assertion({}, foreign.privateKey)],
    ['for somebody else', () => assertion({ aud: 'https://else.example' })],
    ['of the past', () => assertion({ iat: now() - 400, exp: now() - 100 })],
    ['of the future', () => assertion({ nbf: now() + 100 })],
    ['that never ends', () => assertion({ exp: now() + 100_000 })],
    ['without an end', () => assertion({ exp: undefined })],
    ['without a jti', () => assertion({ jti: undefined })],
    ['from one about another', () => assertion({ iss: 'web' })],
    ['of nobody', () => assertion({ iss: 'nobody', sub: 'nobody' })],
    ['that is no JWT', async () => 'no.jwt.atall'],
    ['without a signature', async () => `${(await assertion()).split('.').slice(0, 2).join('.')}.`],
  ])('is refused %s, and says no more than that', async (_, made) => {
    const { status, body, headers } = await token(await made())
    expect([status, body['error']]).toEqual([401, 'invalid_client'])
    expect(body['error_description']).toBe('client authentication failed')
    expect(headers['cache-control']).toBe('no-store')
  })

  it('does not go with another way to prove oneself, nor with another client_id', async () => {
    expect((await token(await assertion(), { client_id: 'web', client_secret: 'web: secret+%' })).status).toBeOneOf([
      400, 401,
    ])
    expect((await token(await assertion(), { client_id: 'web' })).status).toBeOneOf([400, 401])
  })
})
