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
  [...(await readKeySet(JSON.stringify({ keys }), ALL))].map(([kid, { alg }]) => [kid, alg])

describe('a published key set', () => {
  it('says one algorithm for each key, which a token does not choose', async () => {
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

  it('gives no key that is for something else, secret, weak, nameless or of an unknown kind', async () => {
    const strange = [
      { ...made.ec, kid: 'encrypts', use: 'enc' },
      { ...made.ec, kid: 'signs', key_ops: ['sign'] },
      { ...made.privateEc, kid: 'private' },
      { ...made.rsa, kid: 'hmac', alg: 'HS256' },
      { ...made.ec, kid: 'confused', alg: 'RS256' },
      { ...made.ec, kid: 'off-curve', x: made.ec.y, y: made.ec.x },
      { kty: 'oct', kid: 'oct', k: 'AAAA' },
      { kty: 'RSA', kid: 'weak', n: 'AQAB', e: 'AQAB' },
      { kty: 'LWE', kid: 'unknown' },
      made.ec,
      null,
    ]
    expect(await algorithms(...strange, { ...made.ec, kid: 'good' })).toEqual([['good', 'ES256']])
  })

  it('keeps the first of two keys with one name', async () => {
    const keys = await readKeySet(
      JSON.stringify({
        keys: [
          { ...made.ec, kid: 'a' },
          { ...made.ed, kid: 'a' },
        ],
      }),
      ALL,
    )
    expect([...keys.values()].map(({ alg }) => alg)).toEqual(['ES256'])
  })

  it('is none without a key of use, so that a blank page takes no key away', async () => {
    await expect(algorithms()).rejects.toThrow(TypeError)
    await expect(readKeySet('null', ALL)).rejects.toThrow(TypeError)
    await expect(readKeySet('{"keys":"all"}', ALL)).rejects.toThrow(TypeError)
  })
})
