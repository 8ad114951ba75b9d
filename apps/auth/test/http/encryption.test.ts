import { compactDecrypt, createLocalJWKSet, exportJWK, generateKeyPair, jwtVerify, type JWK } from 'jose'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { basic, BOOTSTRAP, ISSUER, openService, ORDERS, WEB } from './service.ts'

const ALGS = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A256KW'] as const
const resourceOf = (alg: string) => `https://${alg.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}.example/`
const scopeOf = (alg: string) => `${alg.replaceAll(/[^A-Za-z0-9]/g, '')}:read`
const idOf = (alg: string) => alg.replaceAll(/[^A-Za-z0-9]/g, '')
const SECRET = 'sealed-secret-0f9d2c7b5a'
const CLIENT = basic('sealed', SECRET)

const metadata = new Map<string, object>()
const keys = new Map<string, Awaited<ReturnType<typeof generateKeyPair>>['privateKey']>()
let service: Awaited<ReturnType<typeof openService>>

beforeAll(async () => {
  const resources: object[] = []
  for (const alg of ALGS) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    keys.set(alg, privateKey)
    const jwk = { ...(await exportJWK(publicKey)), kid: `enc-${alg}`, use: 'enc', alg }
    metadata.set(alg, {
      resource: resourceOf(alg),
      scopes_supported: [scopeOf(alg)],
      jwks: { keys: [jwk] },
      access_token_encrypted_response_alg: alg,
      ...(alg === 'ECDH-ES' && { access_token_encrypted_response_enc: 'A128CBC-HS256' }),
    })
    resources.push({ client_id: idOf(alg), client_secret: SECRET, ...metadata.get(alg) })
  }
  service = await openService({
    ...BOOTSTRAP,
    resources: [...BOOTSTRAP.resources, ...resources],
    clients: [
      ...BOOTSTRAP.clients,
      {
        client_id: 'sealed',
        client_secret: SECRET,
        token_endpoint_auth_method: 'client_secret_basic',
        grant_types: ['password', 'refresh_token', 'client_credentials'],
        scope: [...ALGS.map(scopeOf), 'orders:read'].join(' '),
      },
    ],
  })
})
afterAll(() => service.close())

/** What the resource server reads. */
async function opened(alg: string, token: unknown) {
  const key = keys.get(alg)
  if (key === undefined) throw new Error(alg)
  const { plaintext, protectedHeader } = await compactDecrypt(String(token), key)
  return { jwt: Buffer.from(plaintext).toString(), header: protectedHeader }
}

const serviceToken = async (alg: string) =>
  (await service.token({ grant_type: 'client_credentials', scope: scopeOf(alg) }, CLIENT)).body['access_token']

describe.each(ALGS)('a resource server that asks for %s', (alg) => {
  it('alone reads its tokens, signed inside as ever', async () => {
    const token = await serviceToken(alg)
    expect(String(token).split('.')).toHaveLength(5)
    const { jwt, header } = await opened(alg, token)
    expect(header).toMatchObject({ alg, cty: 'JWT', typ: 'at+jwt', kid: `enc-${alg}` })
    expect(header.enc).toBe(alg === 'ECDH-ES' ? 'A128CBC-HS256' : 'A256GCM')
    const jwks = (await service.get('/oauth2/jwks')).body as unknown as { keys: JWK[] }
    const { payload } = await jwtVerify(jwt, createLocalJWKSet(jwks), {
      issuer: ISSUER,
      audience: resourceOf(alg),
      typ: 'at+jwt',
    })
    expect(payload['scope']).toBe(scopeOf(alg))
    expect(JSON.stringify(header)).not.toContain(String(payload.jti))
  })

  it('asks about the token inside; the outer one is never active, and revokes all the same', async () => {
    const api = basic(idOf(alg), SECRET)
    for (const token of [
      await serviceToken(alg),
      (await service.signIn({ scope: scopeOf(alg) }, CLIENT)).body['access_token'],
    ]) {
      const { jwt } = await opened(alg, token)
      expect(await service.introspect(jwt, api)).toMatchObject({ active: true, aud: resourceOf(alg) })
      expect(await service.introspect(String(token), api)).toEqual({ active: false })
      expect((await service.revoke(String(token), WEB)).status).toBe(400) // another client's: RFC 7009 §2.1
      expect(await service.introspect(jwt, api)).toMatchObject({ active: true })
      expect((await service.revoke(String(token), CLIENT)).status).toBe(200)
      expect(await service.introspect(jwt, api)).toEqual({ active: false })
    }
  })

  it('gets encrypted ones also when a grant is renewed', async () => {
    const { refresh_token } = (await service.signIn({ scope: scopeOf(alg) }, CLIENT)).body
    const renewed = await service.refresh(String(refresh_token), {}, CLIENT)
    const { jwt } = await opened(alg, renewed.body['access_token'])
    expect(await service.introspect(jwt, basic(idOf(alg), SECRET))).toMatchObject({ active: true })
  })
})

describe('a resource server that was disabled, or has another identifier', () => {
  const alg = 'ECDH-ES'
  const scope = scopeOf(alg)
  const as = { client_id: idOf(alg) }
  const renamed = () => ({ ...metadata.get(alg), resource: 'https://renamed.example/' })

  it.each([
    ['disabled', 'resources disable', () => ({ ...as, reason: 'a test' }), 'resources enable', () => as],
    [
      'renamed',
      'resources update',
      () => ({ ...as, metadata: renamed() }),
      'resources update',
      () => ({ ...as, metadata: metadata.get(alg) }),
    ],
  ])(
    '(%s): its grants get no token in the clear instead, and go on when it is back',
    async (what, go, away, come, back) => {
      const { refresh_token } = (await service.signIn({ scope }, CLIENT)).body
      await service.operate(go, away())
      const refused = [await service.refresh(String(refresh_token), {}, CLIENT)]
      if (what === 'disabled')
        refused.push(
          await service.token({ grant_type: 'client_credentials', scope }, CLIENT),
          await service.signIn({ scope: `${scope} orders:read` }, CLIENT),
          await service.signIn({ scope, resource: resourceOf(alg) }, CLIENT),
        )
      for (const { status, body } of refused) expect([status, body['error']]).toEqual([400, 'invalid_target'])
      await service.operate(come, back())
      const { body } = await service.refresh(String(refresh_token), {}, CLIENT)
      expect(String(body['access_token']).split('.')).toHaveLength(5)
    },
  )
})

describe('an encrypted token', () => {
  it('can be for one resource only', async () => {
    const both = new URLSearchParams([
      ['grant_type', 'client_credentials'],
      ['resource', resourceOf('ECDH-ES')],
      ['resource', ORDERS],
      ['scope', 'orders:read'],
    ])
    expect((await service.token([...both] as [string, string][], CLIENT)).body).toMatchObject({
      error: 'invalid_target',
    })
  })

  it('that was tampered with, or made up, revokes nothing', async () => {
    const token = String(await serviceToken('ECDH-ES'))
    const { jwt } = await opened('ECDH-ES', token)
    const [header = '', ...rest] = token.split('.')
    const parsed = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, string>
    const locator = parsed['locator'] ?? ''
    const forge = (value: unknown) =>
      [Buffer.from(JSON.stringify({ ...parsed, locator: value })).toString('base64url'), ...rest].join('.')
    for (let index = 0; index < locator.length; index += 1)
      await service.revoke(
        forge(`${locator.slice(0, index)}${locator[index] === 'A' ? 'B' : 'A'}${locator.slice(index + 1)}`),
        CLIENT,
      )
    for (const value of ['', 'x', 7, null, { jti: 'x' }]) await service.revoke(forge(value), CLIENT)
    expect(await service.introspect(jwt, basic('ECDHES', SECRET))).toMatchObject({ active: true })
  })
})

describe('a resource server is refused', () => {
  it.each([
    ['without a key to encrypt for', { access_token_encrypted_response_alg: 'RSA-OAEP-256' }],
    ['with an algorithm for the content alone', { access_token_encrypted_response_enc: 'A256GCM' }],
    ['with an algorithm that is not one', { access_token_encrypted_response_alg: 'RSA1_5' }],
  ])('%s', async (_, metadata) => {
    const world = {
      resources: [{ client_id: 'x', client_secret: SECRET, resource: 'https://x.example/', ...metadata }],
    }
    await expect(openService(world)).rejects.toThrow(/bootstrap file/)
  })
})
