import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'
import { readKeySet } from './key-set.ts'

const ALL = ['ES256', 'ES384', 'EdDSA', 'RS256', 'PS256'] as const

const made: { ec: JWK; rsa: JWK; ed: JWK; privateEc: JWK } = { ec: {}, rsa: {}, ed: {}, privateEc: {} }

beforeAll(async () => {
  const pair = async (alg: string) => {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
    return [await exportJWK(publicKey), await exportJWK(privateKey)] as const
  }
  const [ec, privateEc] = await pair('ES256')
  const [[rsa], [ed]] = [await pair('RS256'), await pair('EdDSA')]
  Object.assign(made, { ec, privateEc, rsa, ed })
})

const algorithms = async (...keys: unknown[]) =>
  (await readKeySet(JSON.stringify({ keys }), ALL)).map(({ kid, alg }) => [kid, alg])

describe('a published key set', () => {
  it('has one algorithm for each key, which a token does not choose', async () => {
    const set = [
      { ...made.ec, kid: 'ec' },
      { ...made.ed, kid: 'ed', alg: 'Ed25519' },
      { ...made.rsa, kid: 'rsa' },
      { ...made.rsa, kid: 'pss', alg: 'PS256' },
    ]
    expect(await algorithms(...set)).toEqual([
      ['ec', 'ES256'],
      ['ed', 'EdDSA'],
      ['rsa', 'RS256'],
      ['pss', 'PS256'],
    ])
  })

  it('omits keys that are for another purpose, private, weak, or of an unknown type', async () => {
    const strange = [
      { ...made.ec, kid: 'encrypts', use: 'enc' },
      { ...made.ec, kid: 'signs', key_ops: ['sign'] },
      { ...made.privateEc, kid: 'private' },
      { ...made.rsa, kid: 'hmac', alg: 'HS256' },
      { ...made.ec, kid: 'confused', alg: 'RS256' },
      { ...made.ec, kid: 'off-curve', x: made.ec.y, y: made.ec.x },
      { kty: 'oct', kid: 'oct', k: 'AAAA' },
      { kty: 'RSA', kid: 'weak', n: 'AQAB', e: 'AQAB' },
      { ...made.rsa, kid: 'exponent 1', e: 'AQ' },
      { ...made.rsa, kid: 'exponent 2', e: 'Ag' },
      { ...made.rsa, kid: 'even exponent', e: 'AQAA' },
      { ...made.rsa, kid: 'no exponent', e: 'AA' },
      { ...made.rsa, kid: 'endless exponent', e: made.rsa.n },
      { kty: 'LWE', kid: 'unknown' },
      { ...made.ec, kid: 7 },
      { ...made.ec, kid: 'odd operations', key_ops: 'verify' },
      { kid: 'a certificate alone', kty: 'RSA', x5c: ['AAAA'] },
      'a text',
      [],
      null,
    ]
    expect(await algorithms(...strange, { ...made.ec, kid: 'good' })).toEqual([['good', 'ES256']])
  })

  it('keeps keys with the same kid, and without one: RFC 7517 §4.5', async () => {
    const set = [{ ...made.ec, kid: 'a' }, { ...made.ed, kid: 'a' }, { ...made.rsa, kid: 'a', alg: 'PS256' }, made.rsa]
    expect(await algorithms(...set)).toEqual([
      ['a', 'ES256'],
      ['a', 'EdDSA'],
      ['a', 'PS256'],
      [undefined, 'RS256'],
    ])
  })

  it('uses a key without alg with the first allowed algorithm that fits', async () => {
    const keys = JSON.stringify({ keys: [made.rsa, made.ec] })
    for (const [allowed, used] of [
      [['PS256'], ['PS256']],
      [['PS256', 'RS256'], ['PS256']],
      [
        ['ES256', 'RS256', 'PS256'],
        ['RS256', 'ES256'],
      ],
    ] as const)
      expect((await readKeySet(keys, allowed)).map(({ alg }) => alg)).toEqual(used)
  })

  it('is rejected without a usable key, so that an empty page does not remove the keys', async () => {
    await expect(algorithms()).rejects.toThrow(TypeError)
    await expect(readKeySet('null', ALL)).rejects.toThrow(TypeError)
    await expect(readKeySet('{"keys":"all"}', ALL)).rejects.toThrow(TypeError)
  })
})
