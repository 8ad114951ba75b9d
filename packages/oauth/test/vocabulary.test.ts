import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ClientId,
  NewClientMetadata,
  formatBasic,
  formatScope,
  isClientId,
  parseBasic,
  NewResourceMetadata,
  Scope,
} from '../src/index.ts'

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
    'Basic YTpiYw', // no padding
    'Basic YTpiYx==', // bits that say nothing
    'Basic YTr/', // no UTF-8
    'Basic YTpi\n',
  ])('are not read from %j', (header) => expect(parseBasic(header)).toBeUndefined())

  it('may hold a plus sign, which is a space', () => {
    expect(parseBasic(`Basic ${btoa('a+b:c%2Bd')}`)).toEqual({ clientId: 'a b', clientSecret: 'c+d' })
  })
})

describe('a scope', () => {
  it('survives the wire, each token once and in its order', () => {
    const token = fc.stringMatching(/^[\x21\x23-\x5B\x5D-\x7E]{1,12}$/)
    fc.assert(
      fc.property(fc.uniqueArray(token, { minLength: 1 }), (tokens) => {
        expect(Scope.parse(formatScope(tokens))).toEqual(tokens)
      }),
    )
  })

  it('is a list of tokens, each once', () => {
    expect(Scope.parse('a b a')).toEqual(['a', 'b'])
  })

  it.each(['', ' a', 'a ', 'a  b', 'a"b', 'a\\b', 'é', 'a\tb', 'a\u0000'])('is not %j', (text) =>
    expect(Scope.safeParse(text).success).toBe(false),
  )
})

describe('a client_id', () => {
  it('is anything made of unreserved characters that is not a sub, nor another folder in a path', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9._~-]{1,100}$/), (id) => {
        expect(ClientId.safeParse(id).success).toBe(!id.startsWith('u_') && id !== '.' && id !== '..')
        expect(isClientId(id)).toBe(!id.startsWith('u_'))
      }),
    )
  })

  it('is judged alike with and without reasons, save those that an older version took', () => {
    fc.assert(
      fc.property(fc.string(), (id) => {
        fc.pre(id !== '.' && id !== '..')
        expect(isClientId(id)).toBe(ClientId.safeParse(id).success)
      }),
    )
  })

  it.each(['u_1234', '', 'a b', 'a/b', 'é', 'x'.repeat(101), 'a\n', '.', '..'])('is never %j', (text) =>
    expect(ClientId.safeParse(text).success).toBe(false),
  )
})

const publicKey = { kty: 'EC', crv: 'P-256', x: 'f83OJ3D2', y: 'x_FEzRu9', kid: '1' }

describe('client metadata', () => {
  const problems = (metadata: unknown) => NewClientMetadata.safeParse(metadata).error?.issues.map(({ path }) => path[0])

  it('has the defaults of RFC 7591', () => {
    expect(NewClientMetadata.parse({})).toMatchObject({
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
    ['a private key', { jwks: { keys: [{ ...publicKey, d: 'x' }] } }, 'jwks'],
    ['a key without its point', { jwks: { keys: [{ kty: 'EC' }] } }, 'jwks'],
    ['no key at all', { jwks: { keys: [] } }, 'jwks'],
    ['an RSA key of 1024 bits', { jwks: { keys: [{ kty: 'RSA', e: 'AQAB', n: 'a'.repeat(171) }] } }, 'jwks'],
    ['DPoP as long as it would mean nothing', { dpop_bound_access_tokens: true }, 'dpop_bound_access_tokens'],
    ['refresh tokens that stay', { refresh_token_rotation: false }, 'refresh_token_rotation'],
    [
      'a response type without its grant type',
      { grant_types: ['password'], response_types: ['code'] },
      'response_types',
    ],
    ['a page that runs code', { client_uri: 'javascript:alert(1)' }, 'client_uri'],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'x' }] } }, 'jwks'],
    ['a redirect with a fragment', { redirect_uris: ['https://a.example/#x'] }, 'redirect_uris'],
    ['a redirect that runs code', { redirect_uris: ['javascript:alert(1)'] }, 'redirect_uris'],
    ['a relative redirect', { redirect_uris: ['/back'] }, 'redirect_uris'],
    ['a scope that is none', { scope: 'a  b' }, 'scope'],
  ])('refuses %s', (_, metadata, path) => expect(problems(metadata)).toContain(path))

  it('takes a public key', () => {
    expect(problems({ token_endpoint_auth_method: 'private_key_jwt', jwks: { keys: [publicKey] } })).toBeUndefined()
  })

  it('refuses a name nobody knows', () => expect(NewClientMetadata.safeParse({ nonsense: 1 }).success).toBe(false))
})

describe('resource metadata', () => {
  it.each([
    { resource: 'orders' },
    { resource: 'https://a.example/#x' },
    { resource: 'https://a.example', scopes_supported: ['openid'] },
    { resource: 'https://a.example', scopes_supported: ['offline_access'] },
    { resource: 'https://a.example', scopes_supported: ['a b'] },
    { resource: 'https://a.example', scopes_supported: ['a', 'a'] },
    { resource: '//a.example' },
  ])('refuses %j', (metadata) => expect(NewResourceMetadata.safeParse(metadata).success).toBe(false))
})
