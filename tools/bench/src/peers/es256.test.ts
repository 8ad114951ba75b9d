import { generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { concatenated, signInPool, signThroughDer, signToConcatenated } from './es256.ts'

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const

describe('an ES256 signature', () => {
  it.each([
    ['in the thread pool', signInPool(privateKey)],
    ['through DER', signThroughDer(privateKey)],
    ['written by node:crypto', signToConcatenated(privateKey)],
  ])('%s is 64 bytes and verifies, whatever the size of R and S', async (_, sign) => {
    // 2,000 signatures hold some with R or S shorter than 32 bytes: about one in 128.
    for (let index = 0; index < 2000; index += 1) {
      const input = Buffer.from(`input ${index}`)
      const signature = await sign(input)
      expect(signature).toHaveLength(64)
      expect(verify('sha256', input, key, signature)).toBe(true)
    }
  })

  it('pads a short R and drops the sign byte of a high S', () => {
    const der = Buffer.concat([Buffer.from([0x30, 38, 0x02, 1, 0x05, 0x02, 33, 0x00]), Buffer.alloc(32, 0xff)])
    const expected = Buffer.concat([Buffer.alloc(31), Buffer.from([5]), Buffer.alloc(32, 0xff)])
    expect(concatenated(der)).toEqual(expected)
  })
})
