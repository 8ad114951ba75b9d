import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { InvalidClient, MAX_RESOURCE, MAX_SCOPE_TOKEN, MAX_URI } from '@ledgate/oauth'
import { type JWK, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../log/index.ts'
import { ASSERTION_ALGS } from '../credential/index.ts'
import { verifyAssertion } from '../client-authentication/assertion.ts'
import { ClientRegistration } from './registrable-metadata.ts'
import { ResourceRegistration } from '../resource/index.ts'

const pair = (type: 'rsa' | 'ec' | 'ed25519', options: object) =>
  (generateKeyPairSync as (type: string, options: object) => { publicKey: KeyObject; privateKey: KeyObject })(
    type,
    options,
  )
const rsa = pair('rsa', { modulusLength: 2_048 })
const pairs = {
  RS: rsa,
  PS: rsa,
  ES256: pair('ec', { namedCurve: 'P-256' }),
  ES384: pair('ec', { namedCurve: 'P-384' }),
  ES512: pair('ec', { namedCurve: 'P-521' }),
  Ed: pair('ed25519', {}),
}
const pairOf = (alg: string) =>
  Object.entries(pairs).find(([name]) => alg.startsWith(name))?.[1] ?? pair('ec', { namedCurve: 'P-256' })
const publicJwk = ({ publicKey }: { publicKey: KeyObject }) => publicKey.export({ format: 'jwk' }) as JWK

const registered = (jwk: object) =>
  ClientRegistration.safeParse({
    grant_types: ['client_credentials'],
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys: [jwk] },
  })

async function authenticates(jwk: JWK, { privateKey }: { privateKey: KeyObject }, alg: string): Promise<boolean> {
  const jwt = await new SignJWT({ jti: '1', aud: 'https://id.example' })
    .setProtectedHeader({ alg, ...(jwk.kid !== undefined && { kid: jwk.kid }) })
    .setIssuer('c')
    .setSubject('c')
    .setExpirationTime('1m')
    .sign(privateKey)
  const asserting = { clientId: 'c', jwks: { keys: [jwk] }, audience: ['https://id.example'] }
  return verifyAssertion(jwt, asserting, systemClock).then(
    () => true,
    () => false,
  )
}

describe('a key that is registered', () => {
  it.each(ASSERTION_ALGS)('proves its client by %s', async (alg) => {
    const own = pairOf(alg)
    for (const jwk of [publicJwk(own), { ...publicJwk(own), alg, use: 'sig', kid: 'k'.repeat(255) }]) {
      expect(registered(jwk).error).toBeUndefined()
      expect(await authenticates(jwk, own, alg)).toBe(true)
    }
  })

  it.each([
    ['the least exponent', { modulusLength: 2_048, publicExponent: 3 }],
    ['a longer modulus', { modulusLength: 3_072 }],
  ])('of RSA proves its client with %s', async (_, options) => {
    const own = pair('rsa', options)
    expect(registered(publicJwk(own)).error).toBeUndefined()
    expect(await authenticates(publicJwk(own), own, 'RS256')).toBe(true)
  })
})

const base64url = (bytes: Buffer) => bytes.toString('base64url')
const modulus = (bits: number) => base64url(Buffer.concat([Buffer.of(0xc1), Buffer.alloc(bits / 8 - 2), Buffer.of(1)]))
const RSA = publicJwk(rsa)
const EC = publicJwk(pairs.ES256)

describe('an unusable key', () => {
  it.each<[string, object]>([
    ['an exponent of 1, by which everybody signs', { ...RSA, e: 'AQ' }],
    ['an exponent of 0', { ...RSA, e: 'AA' }],
    ['an even exponent', { ...RSA, e: 'AQAA' }],
    ['an exponent without end', { ...RSA, e: base64url(Buffer.alloc(33, 0xff)) }],
    ['a modulus of 16,384 bits, for which everybody would wait', { ...RSA, n: modulus(16_384) }],
    [
      'a modulus that is long by zeros alone',
      { ...RSA, n: base64url(Buffer.concat([Buffer.alloc(200), Buffer.alloc(100, 0xff)])) },
    ],
    ['a point that is on no curve', { ...EC, y: EC.x }],
    ['half a point', { ...EC, y: 'AAAA' }],
    ['an Ed25519 key of three bytes', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA' }],
    ['a name that is longer than any token says', { ...EC, kid: 'k'.repeat(256) }],
    ['an empty name', { ...EC, kid: '' }],
    ['a name that is no text', { ...EC, kid: '\ud800' }],
  ])('is refused: %s', (_, jwk) => {
    expect(registered(jwk).success).toBe(false)
    expect(ResourceRegistration.safeParse({ resource: 'https://a.example/', jwks: { keys: [jwk] } }).success).toBe(
      false,
    )
  })

  it.each<[string, object]>([
    ['is for another use', { ...EC, use: 'enc' }],
    ['checks nothing', { ...EC, key_ops: ['deriveKey'] }],
    ['is for encryption', { ...RSA, alg: 'RSA-OAEP-256' }],
    ['agrees on keys only', { kty: 'OKP', crv: 'X25519', x: base64url(Buffer.alloc(32, 9)) }],
  ])('is refused where it is the only one of private_key_jwt, and %s', (_, jwk) => {
    expect(registered(jwk).success).toBe(false)
    expect(ResourceRegistration.safeParse({ resource: 'https://a.example/', jwks: { keys: [jwk] } }).success).toBe(true)
    const two = { grant_types: ['client_credentials'], token_endpoint_auth_method: 'private_key_jwt' }
    expect(ClientRegistration.safeParse({ ...two, jwks: { keys: [jwk, EC] } }).success).toBe(true)
  })

  it('authenticates no client where an older version accepted it: with an exponent of 1 the padded digest is a signature', async () => {
    const part = (value: object) => base64url(Buffer.from(JSON.stringify(value)))
    const claims = { iss: 'c', sub: 'c', jti: '1', aud: 'https://id.example', exp: systemClock.now() + 60 }
    const input = `${part({ alg: 'RS256' })}.${part(claims)}`
    const digestInfo = Buffer.from('3031300d060960864801650304020105000420', 'hex')
    const digest = Buffer.concat([digestInfo, createHash('sha256').update(input).digest()])
    const padded = Buffer.concat([Buffer.of(0, 1), Buffer.alloc(253 - digest.length, 0xff), Buffer.of(0), digest])
    const jwks = { keys: [{ ...RSA, e: 'AQ' }] }
    const forged = `${input}.${base64url(padded)}`
    await expect(
      verifyAssertion(forged, { clientId: 'c', jwks, audience: ['https://id.example'] }, systemClock),
    ).rejects.toThrow(InvalidClient)
  })
})

describe('a name that is registered', () => {
  const client = (metadata: object) => ClientRegistration.safeParse({ grant_types: ['password'], ...metadata }).success
  const resource = (metadata: object) =>
    ResourceRegistration.safeParse({ resource: 'https://a.example/', ...metadata }).success
  const uri = (length: number) => 'https://a.example/'.padEnd(length, 'r')

  it('is no longer than a request and a token have room for', () => {
    expect(client({ redirect_uris: [uri(MAX_URI)], scope: 's'.repeat(MAX_SCOPE_TOKEN) })).toBe(true)
    expect(client({ redirect_uris: [uri(MAX_URI + 1)] })).toBe(false)
    expect(client({ scope: `a ${'s'.repeat(MAX_SCOPE_TOKEN + 1)}` })).toBe(false)
    expect(resource({ resource: uri(MAX_RESOURCE), scopes_supported: ['s'.repeat(MAX_SCOPE_TOKEN)] })).toBe(true)
    expect(resource({ resource: uri(MAX_RESOURCE + 1) })).toBe(false)
    expect(resource({ scopes_supported: ['s'.repeat(MAX_SCOPE_TOKEN + 1)] })).toBe(false)
  })
})
