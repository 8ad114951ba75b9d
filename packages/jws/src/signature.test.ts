import { constants, createSecretKey, generateKeyPairSync, type KeyObject, sign, webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { rounds } from '../../../rounds.ts'
import { isSignedBy, isSignedByInBackground, type SignatureAlgorithm, toVerificationKey } from './signature.ts'

const { subtle } = webcrypto

const rsaPair = generateKeyPairSync('rsa', { modulusLength: 2_048 })
const PAIRS = {
  ES256: generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: generateKeyPairSync('ed25519'),
  RS256: rsaPair,
  PS256: rsaPair,
} satisfies Record<SignatureAlgorithm, unknown>
const ALGS = Object.keys(PAIRS) as SignatureAlgorithm[]

function ready(alg: SignatureAlgorithm) {
  const key = toVerificationKey(PAIRS[alg].publicKey, [alg])
  if (key === undefined) throw new Error('no key')
  return key
}

/** As JWS has it: of ECDSA the two numbers themselves, RFC 7518 §3.4. */
function signatureOf(alg: SignatureAlgorithm, input: Uint8Array): Buffer {
  const { privateKey: key } = PAIRS[alg]
  if (alg === 'EdDSA') return sign(null, input, key)
  const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants
  const how = alg === 'PS256' ? { padding, saltLength } : { dsaEncoding: 'ieee-p1363' as const }
  return sign(`sha${alg.slice(2)}`, input, { key, ...how })
}

const both = async (alg: SignatureAlgorithm, input: Uint8Array, signature: Uint8Array): Promise<boolean> => {
  const atOnce = isSignedBy(ready(alg), input, signature)
  expect(await isSignedByInBackground(ready(alg), input, signature)).toBe(atOnce)
  return atOnce
}

describe.each(ALGS)('a signature with %s', (alg) => {
  const header = Buffer.from(JSON.stringify({ alg })).toString('base64url')
  const signed = `${header}.${Buffer.from('{"a":1}').toString('base64url')}`
  const whole = signatureOf(alg, Buffer.from(signed))

  /** What jose says of it, beside what is said here. */
  async function verdictOf(text: string, signature: Uint8Array): Promise<readonly [ours: boolean, jose: boolean]> {
    const jws = `${text}.${Buffer.from(signature).toString('base64url')}`
    const jose = await compactVerify(jws, PAIRS[alg].publicKey).then(
      () => true,
      () => false,
    )
    return [await both(alg, Buffer.from(text), signature), jose]
  }

  it('verifies, for any signed bytes', async () => {
    // One in a hundred ECDSA signatures begins a number with a zero, which other encodings leave out.
    let hasZero = !alg.startsWith('ES')
    for (let nth = 0; nth < rounds({ quick: 40, long: 1_500 }) || !hasZero; nth += 1) {
      const input = Buffer.from(`message ${nth}`)
      const signature = signatureOf(alg, input)
      hasZero ||= signature[0] === 0 || signature[signature.length / 2] === 0
      expect(isSignedBy(ready(alg), input, signature)).toBe(true)
    }
    expect(await verdictOf(signed, whole)).toEqual([true, true])
  })

  it('gets the same result as from jose for any change of the signature or the input', async () => {
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
        const [ours, jose] = await verdictOf(text, signature)
        expect(ours).toBe(jose)
      }),
      { numRuns: rounds({ quick: 20, long: 500, soak: 2_000 }) },
    )
  })

  it('gets the same result as from jose for any two integers', async () => {
    const size = whole.length / 2
    const half = fc.oneof(
      fc.constantFrom(whole.subarray(0, size), whole.subarray(size)),
      fc.constantFrom(new Uint8Array(size), new Uint8Array(size).fill(0xff)),
      fc.uint8Array({ minLength: size, maxLength: size }),
      fc.tuple(fc.nat(size - 1), fc.integer({ min: 1, max: 255 })).map(([at, byte]) => {
        const bytes = new Uint8Array(size)
        bytes[at] = byte
        return bytes
      }),
    )
    await fc.assert(
      fc.asyncProperty(half, half, async (first, second) => {
        const [ours, jose] = await verdictOf(signed, Buffer.concat([first, second]))
        expect(ours).toBe(jose)
      }),
      { numRuns: rounds({ quick: 12, long: 250, soak: 1_000 }) },
    )
  })

  it('has a fixed length: leading zeros do not make another valid signature', async () => {
    const size = whole.length / 2
    const zero = Buffer.alloc(1)
    const longer = Buffer.concat([zero, whole.subarray(0, size), zero, whole.subarray(size)])
    expect(await verdictOf(signed, longer)).toEqual([false, false])
  })

  it('of a different key does not verify', async () => {
    const input = Buffer.from('message')
    for (const other of ALGS.filter((each) => each !== alg))
      expect(await both(alg, input, signatureOf(other, input))).toBe(false)
  })
})

it.each<[string, KeyObject]>([
  ['a curve that is not of JOSE by this name', generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey],
  ['a short RSA key', generateKeyPairSync('rsa', { modulusLength: 1_024 }).publicKey],
  ['a key of RSA-PSS alone', generateKeyPairSync('rsa-pss', { modulusLength: 2_048 }).publicKey],
  ['a key that agrees on keys', generateKeyPairSync('x25519').publicKey],
  ['a private key', PAIRS.ES256.privateKey],
  ['a shared secret', createSecretKey(Buffer.alloc(32))],
])('%s verifies nothing', (_name, key) => {
  expect(toVerificationKey(key, ALGS)).toBeUndefined()
})

it('a key for one algorithm is not accepted for another', () => {
  for (const alg of ALGS) {
    const others = ALGS.filter((each) => PAIRS[each] !== PAIRS[alg])
    expect(toVerificationKey(PAIRS[alg].publicKey, others)).toBeUndefined()
  }
})

const RSA = { modulusLength: 2_048, publicExponent: new Uint8Array([1, 0, 1]) }

/** The public half of a new pair, as WebCrypto binds it to an algorithm. */
const bound = (pair: Promise<webcrypto.CryptoKeyPair>): Promise<webcrypto.CryptoKey> =>
  pair.then(({ publicKey }) => publicKey)
const rsa = (name: string, hash: string) => bound(subtle.generateKey({ name, hash, ...RSA }, true, ['sign', 'verify']))

it.each(ALGS)('a CryptoKey for %s is accepted for that algorithm', async (alg) => {
  const { publicKey } = await generateKeyPair(alg)
  expect(toVerificationKey(publicKey, ALGS)?.alg).toBe(alg)
})

it.each([
  ['another hash', () => rsa('RSASSA-PKCS1-v1_5', 'SHA-512')],
  ['another hash with a salt', () => rsa('RSA-PSS', 'SHA-384')],
  ['agreeing on keys', () => bound(subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']))],
])('a CryptoKey for %s verifies nothing', async (_use, make) => {
  expect(toVerificationKey(await make(), ALGS)).toBeUndefined()
})
