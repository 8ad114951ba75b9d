import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, it } from 'vitest'
import { concatenated } from './ecdsa.ts'

it('a DER signature becomes the one of RFC 7518, also when its numbers are short or need a zero before', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (let round = 0; round < 1500; round += 1) {
    const data = Buffer.from(`round ${round}`)
    const signature = concatenated(sign('sha256', data, privateKey))
    expect(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
  }
})
