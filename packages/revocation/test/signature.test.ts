import { createSecretKey, generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { isSignedBy, verificationKey } from '../src/signature.ts'

const { subtle } = webcrypto

const PAIRS = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: generateKeyPairSync('rsa', { modulusLength: 2_048 }),
}
type Alg = keyof typeof PAIRS
const ALGS = Object.keys(PAIRS) as Alg[]

function ready(alg: Alg) {
  const key = verificationKey(PAIRS[alg].publicKey)
  if (key === undefined) throw new Error('no key')
  return key
}

/** As JWS has it: of ES256 the two numbers themselves, RFC 7518 §3.4. */
function signatureOf(alg: Alg, input: Uint8Array): Buffer {
  const { privateKey: key } = PAIRS[alg]
  return sign(alg === 'EdDSA' ? null : 'sha256', input, { key, dsaEncoding: 'ieee-p1363' })
}

const both = async (alg: Alg, input: Uint8Array, signature: Uint8Array): Promise<boolean> => {
  const atOnce = await isSignedBy(ready(alg), input, signature, false)
  expect(await isSignedBy(ready(alg), input, signature, true)).toBe(atOnce)
  return atOnce
}

describe.each(ALGS)('a signature by %s', (alg) => {
  it('is known for one, whatever was signed', async () => {
    for (let nth = 0; nth < 2_000; nth += 1) {
      const input = Buffer.from(`message ${nth}`)
      expect(await isSignedBy(ready(alg), input, signatureOf(alg, input), false)).toBe(true)
    }
    expect(await both(alg, Buffer.from('x'), signatureOf(alg, Buffer.from('x')))).toBe(true)
  }, 60_000)

  it('has the verdict of jose, whatever is changed in it or in what it is of', async () => {
    const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    const signed = `${header}.${Buffer.from('{"a":1}').toString('base64url')}`
    const whole = signatureOf(alg, Buffer.from(signed))
    const change = fc.record({
      at: fc.nat(whole.length - 1),
      by: fc.nat(255),
      length: fc.oneof(fc.constant(whole.length), fc.nat(whole.length + 40)),
      fill: fc.option(fc.nat(255)),
      isOfThis: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(change, async ({ at, by, length, fill, isOfThis }) => {
        const signature = Buffer.alloc(length, fill ?? 0)
        if (fill === null) whole.copy(signature)
        if (at < length) signature[at] = (signature[at] ?? 0) ^ by
        const text = isOfThis ? signed : `${header}.${Buffer.from('{"a":2}').toString('base64url')}`
        const jws = `${text}.${signature.toString('base64url')}`
        const verdict = await compactVerify(jws, PAIRS[alg].publicKey).then(
          () => true,
          () => false,
        )
        expect(await both(alg, Buffer.from(text), signature)).toBe(verdict)
      }),
      { numRuns: 500 },
    )
  }, 60_000)

  it('of another key is none', async () => {
    const input = Buffer.from('message')
    for (const other of ALGS.filter((each) => each !== alg))
      expect(await both(alg, input, signatureOf(other, input))).toBe(false)
  })
})

it.each<[string, KeyObject]>([
  ['another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey],
  ['a curve that is not of JOSE by this name', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey],
  ['a short RSA key', generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey],
  ['a key of RSA-PSS alone', generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey],
  ['a key that agrees on keys', generateKeyPairSync('x25519').publicKey],
  ['a private key', PAIRS.ES256.privateKey],
  ['a shared secret', createSecretKey(Buffer.alloc(32))],
])('%s verifies nothing', (_name, key) => {
  expect(verificationKey(key)).toBeUndefined()
})

const RSA = { modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]) }

/** The public half of a new pair, as WebCrypto binds it to an algorithm. */
const bound = (pair: Promise<webcrypto.CryptoKeyPair>): Promise<webcrypto.CryptoKey> =>
  pair.then(({ publicKey }) => publicKey)
const rsa = (name: string, hash: string) => bound(subtle.generateKey({ name, hash, ...RSA }, true, ['sign', 'verify']))

it.each([
  ['ES256', () => bound(subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']))],
  ['EdDSA', async () => (await generateKeyPair('EdDSA')).publicKey],
  ['RS256', () => rsa('RSASSA-PKCS1-v1_5', 'SHA-256')],
])('a CryptoKey of %s is one', async (alg, make) => {
  expect(verificationKey(await make())?.alg).toBe(alg)
})

it.each([
  ['RSA-PSS', () => rsa('RSA-PSS', 'SHA-256')],
  ['another hash', () => rsa('RSASSA-PKCS1-v1_5', 'SHA-512')],
  ['agreeing on keys', () => bound(subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']))],
])('a CryptoKey for %s verifies nothing', async (_use, make) => {
  expect(verificationKey(await make())).toBeUndefined()
})
