import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { type VerificationKey, toVerificationKey } from '@ledgate/jws'
import { type JWTHeaderParameters, SignJWT } from 'jose'
import { describe, expect, it } from 'vitest'
import { readAccessToken, TYP } from './access-token.ts'

const ISSUER = 'https://id.example'
const NOW = 1_800_000_000

const ours = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const olds = generateKeyPairSync('ed25519').privateKey
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey

function publicKey(key: KeyObject): VerificationKey {
  const made = toVerificationKey(createPublicKey(key), ['ES256', 'EdDSA'])
  if (made === undefined) throw new Error('no key')
  return made
}
const published = new Map([
  ['ours', publicKey(ours)],
  ['olds', publicKey(olds)],
])

const CLAIMS = {
  iss: ISSUER,
  sub: 'u_1',
  aud: 'https://api.example',
  client_id: 'web',
  jti: 'jti-1',
  iat: NOW - 60,
  exp: NOW + 240,
  client_epoch: 0,
  issuer_epoch: 0,
}
const HEADER = { alg: 'ES256', kid: 'ours', typ: TYP }

interface Change {
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
  readonly key?: KeyObject
}

const tokenWith = ({ header = {}, claims = {}, key = ours }: Change = {}): Promise<string> =>
  new SignJWT({ ...CLAIMS, ...claims })
    .setProtectedHeader({ ...HEADER, ...header } as JWTHeaderParameters)
    .sign(key, { crit: { extension: true } })

const read = (token: string) =>
  readAccessToken(token, { issuer: ISSUER, keys: { publicKey: (kid) => published.get(kid) }, now: NOW })

describe('an access token', () => {
  it('is read by each key that is published', async () => {
    expect(read(await tokenWith())).toEqual({ ...CLAIMS, aud: ['https://api.example'], claims: CLAIMS })
    expect(read(await tokenWith({ header: { alg: 'EdDSA', kid: 'olds' }, key: olds }))?.jti).toBe('jti-1')
    expect(read(await tokenWith({ claims: { aud: ['a', 'b'] } }))?.aud).toEqual(['a', 'b'])
    expect(read(await tokenWith({ claims: { aud: undefined } }))?.aud).toEqual([])
  })

  it.each<[string, Change]>([
    ['by a stranger', { key: stranger }],
    ['by another key of ours than it says', { header: { kid: 'olds' } }],
    ['by a key that nobody has', { header: { kid: 'nobody' } }],
    ['by a key with the name of a method', { header: { kid: 'constructor' } }],
    ['by no key', { header: { kid: undefined } }],
    ['by a list of keys', { header: { kid: ['ours'] } }],
    ['of another type', { header: { typ: 'JWT' } }],
    ['of the type of notices', { header: { typ: 'secevent+jwt' } }],
    ['of no type', { header: { typ: undefined } }],
    ['with an extension', { header: { crit: ['extension'], extension: 1 } }],
    ['of another issuer', { claims: { iss: 'https://other.example' } }],
    ['of no issuer', { claims: { iss: undefined } }],
    ['that ends now', { claims: { exp: NOW } }],
    ['that has no end', { claims: { exp: undefined } }],
  ])('%s is none', async (_name, change) => {
    expect(read(await tokenWith(change))).toBeUndefined()
  })

  it('has one text, and that in bounds', async () => {
    const token = await tokenWith()
    const [header = '', payload = '', signature = ''] = token.split('.')
    // Of 64 bytes the last letter has four spare bits.
    const last = { A: 'B', Q: 'R', g: 'h', w: 'x' }[signature.at(-1) ?? ''] ?? ''
    const others = [
      `${header}.${payload}.${signature.slice(0, -1)}${last}`,
      `${token}=`,
      `${token} `,
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `.${payload}.${signature}`,
      `${header}..${signature}`,
      `${token}.${signature}`,
      `${header}.${payload}A.${signature}`,
      '',
      '..',
      'a.b.c',
    ]
    for (const other of others) expect(read(other)).toBeUndefined()
    expect(read(await tokenWith({ claims: { long: 'x'.repeat(70_000) } }))).toBeUndefined()
    expect(read(token)).toBeDefined()
  })

  it('whose header says another algorithm is none, though the key signed it', async () => {
    const [, payload, signature] = (await tokenWith()).split('.')
    for (const alg of ['none', 'HS256', 'EdDSA', undefined]) {
      const header = Buffer.from(JSON.stringify({ ...HEADER, alg })).toString('base64url')
      expect(read(`${header}.${payload}.${signature}`)).toBeUndefined()
    }
  })
})
