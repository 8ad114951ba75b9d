import { createSecretKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { isSignedBy, isSignedByAside, verificationKey } from '../src/signature.ts'

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
  const atOnce = isSignedBy(ready(alg), input, signature)
  expect(await isSignedByAside(ready(alg), input, signature)).toBe(atOnce)
  return atOnce
}

describe.each(ALGS)('a signature by %s', (alg) => {
  it('is known for one, whatever was signed', async () => {
    for (let nth = 0; nth < 2_000; nth += 1) {
      const input = Buffer.from(`message ${nth}`)
      expect(isSignedBy(ready(alg), input, signatureOf(alg, input))).toBe(true)
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
