import { generateKeyPairSync, sign, type KeyObject, type SignKeyObjectInput } from 'node:crypto'
import fc from 'fast-check'
import { compactVerify, CompactSign, exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'
import { readJws } from './jws.ts'
import { signatureCheck } from './signature.ts'
import type { SignatureAlgorithm } from './types.ts'

const ALGORITHMS: readonly SignatureAlgorithm[] = ['ES256', 'ES384', 'ES512', 'EdDSA', 'RS256', 'PS256']

async function keyOf(alg: SignatureAlgorithm) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const signed = (text: string) => new CompactSign(Buffer.from(text)).setProtectedHeader({ alg }).sign(privateKey)
  return { publicKey, signed, hasSigned: signatureCheck(await exportJWK(publicKey), alg) }
}

describe.each(ALGORITHMS)('a signature by %s', (alg) => {
  it('is taken as it is, and not over anything else, nor with a byte changed, added or left out', async () => {
    const { signed, hasSigned } = await keyOf(alg)
    const { input, signature } = readJws(await signed('{}'))
    expect(hasSigned(input, signature)).toBe(true)
    expect(hasSigned(Buffer.concat([input, Buffer.from('A')]), signature)).toBe(false)
    expect(hasSigned(input, new Uint8Array(signature.length))).toBe(false)
    expect(hasSigned(input, new Uint8Array(0))).toBe(false)
    expect(hasSigned(input, signature.subarray(1))).toBe(false)
    expect(hasSigned(input, signature.subarray(0, -1))).toBe(false)
    expect(hasSigned(input, Buffer.concat([signature, Buffer.alloc(1)]))).toBe(false)
    expect(hasSigned(input, Buffer.concat([Buffer.alloc(1), signature]))).toBe(false)
    fc.assert(
      fc.property(fc.nat({ max: signature.length * 8 - 1 }), (bit) => {
        const other = Uint8Array.from(signature)
        other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        expect(hasSigned(input, other)).toBe(false)
      }),
      { numRuns: 100 },
    )
  })

  it('is not taken from another key', async () => {
    const [key, other] = [await keyOf(alg), await keyOf(alg)]
    const { input, signature } = readJws(await other.signed('{}'))
    expect(key.hasSigned(input, signature)).toBe(false)
  })
})

describe.each(['ES256', 'ES384', 'ES512'] as const)('a signature by %s', (alg) => {
  it('means what jose says of it, whatever R and S are', async () => {
    const { publicKey, signed, hasSigned } = await keyOf(alg)
    const good = await signed('{}')
    const { input, signature } = readJws(good)
    const size = signature.length / 2
    const number = fc.oneof(
      fc.constantFrom(signature.subarray(0, size), signature.subarray(size)),
      fc.constant(new Uint8Array(size)),
      fc.constant(new Uint8Array(size).fill(0xff)),
      fc.uint8Array({ minLength: size, maxLength: size }),
      fc.tuple(fc.nat({ max: size - 1 }), fc.integer({ min: 1, max: 255 })).map(([at, byte]) => {
        const bytes = new Uint8Array(size)
        bytes[at] = byte
        return bytes
      }),
    )
    await fc.assert(
      fc.asyncProperty(number, number, async (r, s) => {
        const made = Buffer.concat([r, s])
        const token = [...good.split('.').slice(0, 2), made.toString('base64url')].join('.')
        const isGood = await compactVerify(token, publicKey).then(
          () => true,
          () => false,
        )
        expect(hasSigned(input, made)).toBe(isGood)
      }),
      { numRuns: 200 },
    )
  })

  it('is taken where R or S begin with zeros', { timeout: 120_000 }, async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: CURVES[alg] })
    const hasSigned = signatureCheck(publicKey.export({ format: 'jwk' }) as never, alg)
    const input = Buffer.from('input')
    let short = 0
    for (let tries = 0; short < 3 && tries < 20_000; tries += 1) {
      const signature = signedBy(privateKey, input, alg)
      const size = signature.length / 2
      // Of ES512 the first byte has one bit only.
      const zeros = alg === 'ES512' ? 2 : 1
      const isShort = [0, size].some((at) => signature.subarray(at, at + zeros).every((byte) => byte === 0))
      if (!isShort) continue
      short += 1
      expect(hasSigned(input, signature)).toBe(true)
    }
    expect(short).toBe(3)
  })
})

const CURVES = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' } as const

function signedBy(key: KeyObject, input: Uint8Array, alg: keyof typeof CURVES): Buffer {
  const how: SignKeyObjectInput = { key, dsaEncoding: 'ieee-p1363' }
  return sign(`sha${alg.slice(2)}`, input, how)
}

describe('a key', () => {
  it('is none when its modulus is too short, whatever its text is padded with', () => {
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
    const jwk = publicKey.export({ format: 'jwk' })
    const padded = Buffer.concat([Buffer.alloc(128), Buffer.from(String(jwk.n), 'base64url')]).toString('base64url')
    for (const n of [String(jwk.n), padded])
      expect(() => signatureCheck({ kty: 'RSA', e: 'AQAB', n }, 'RS256')).toThrow(TypeError)
  })

  it('is none when it is no point of its curve', () => {
    const zeros = Buffer.alloc(32).toString('base64url')
    expect(() => signatureCheck({ kty: 'EC', crv: 'P-256', x: zeros, y: zeros }, 'ES256')).toThrow()
  })
})
