import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientId, ClientMetadata, formatBasic, parseBasic, ResourceMetadata, Scope } from './index.ts'

describe('Basic credentials', () => {
  it('survive the header, whatever Unicode they are', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (clientId, clientSecret) => {
        fc.pre(clientId.isWellFormed() && clientSecret.isWellFormed())
        expect(parseBasic(formatBasic({ clientId, clientSecret }))).toEqual({ clientId, clientSecret })
      }),
    )
  })

  it.each([
    '',
    'Basic',
    'Basic ',
    'Basic !!!',
    'Bearer YTpi',
    `Basic ${btoa('no-colon')}`,
    `Basic ${btoa('a:%zz')}`,
    'Basic YTpi, Basic YTpi',
  ])('are not read from %j', (header) => expect(parseBasic(header)).toBeUndefined())

  it('may hold a plus sign, which is a space', () => {
    expect(parseBasic(`Basic ${btoa('a+b:c%2Bd')}`)).toEqual({ clientId: 'a b', clientSecret: 'c+d' })
  })
})

describe('a scope', () => {
  it('is a list of tokens, each once', () => {
    expect(Scope.parse('a b a')).toEqual(['a', 'b'])
  })

  it.each(['', ' a', 'a ', 'a  b', 'a"b', 'a\\b', 'é', 'a\tb', 'a\u0000'])('is not %j', (text) =>
    expect(Scope.safeParse(text).success).toBe(false),
  )
})

describe('a client_id', () => {
  it.each(['u_1234', '', 'a b', 'a/b', 'é', 'x'.repeat(101), 'a\n'])('is never %j', (text) =>
    expect(ClientId.safeParse(text).success).toBe(false),
  )
})

describe('client metadata', () => {
  const problems = (metadata: unknown) => ClientMetadata.safeParse(metadata).error?.issues.map(({ path }) => path[0])

  it('has the defaults of RFC 7591', () => {
    expect(ClientMetadata.parse({})).toMatchObject({
      token_endpoint_auth_method: 'client_secret_basic',
      grant_types: ['authorization_code'],
    })
  })

  it.each([
    [
      'a public client with client credentials',
      { token_endpoint_auth_method: 'none', grant_types: ['client_credentials'] },
      'grant_types',
    ],
    ['private_key_jwt without keys', { token_endpoint_auth_method: 'private_key_jwt' }, 'jwks'],
    ['a private key', { jwks: { keys: [{ kty: 'EC', d: 'x' }] } }, 'jwks'],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, 'jwks'],
    ['a redirect with a fragment', { redirect_uris: ['https://a.example/#x'] }, 'redirect_uris'],
    ['a redirect that runs code', { redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris'],
    ['a relative redirect', { redirect_uris: ['/back'] }, 'redirect_uris'],
    ['a scope that is none', { scope: 'a  b' }, 'scope'],
  ])('refuses %s', (_, metadata, path) => expect(problems(metadata)).toContain(path))

  it('refuses a name nobody knows', () => expect(ClientMetadata.safeParse({ nonsense: 1 }).success).toBe(false))
})

describe('resource metadata', () => {
  it.each([
    { resource: 'orders' },
    { resource: 'https://a.example/#x' },
    { resource: 'https://a.example', scopes_supported: ['openid'] },
  ])('refuses %j', (metadata) => expect(ResourceMetadata.safeParse(metadata).success).toBe(false))
})
