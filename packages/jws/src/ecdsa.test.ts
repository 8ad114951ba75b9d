import { generateKeyPairSync, sign, verify } from 'node:crypto'
import { expect, it } from 'vitest'
import { derToJws, jwsToDer } from './ecdsa.ts'

it('a DER signature is converted to the form of RFC 7518 and back, also with short integers and leading zeros', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  for (let round = 0; round < 1500; round += 1) {
    const data = Buffer.from(`round ${round}`)
    const der = sign('sha256', data, privateKey)
    const signature = derToJws(der)
    expect(verify('sha256', data, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true)
    expect(Buffer.from(jwsToDer(signature))).toEqual(der)
  }
})

it.each([
  ['zero', 32, [2, 1, 0]],
  ['one', 32, [2, 1, 1], 1],
  ['128, which needs a zero', 32, [2, 2, 0, 128], 128],
  ['one of P-521', 66, [2, 1, 1], 1],
] as const)('two integers of %s are as short in DER as they can be', (_name, size, integer, last: number = 0) => {
  const half = Buffer.alloc(size)
  half[size - 1] = last
  expect([...jwsToDer(Buffer.concat([half, half]))]).toEqual([0x30, 2 * integer.length, ...integer, ...integer])
})

it('the longest integers of P-521 need a DER length of two bytes', () => {
  const der = jwsToDer(new Uint8Array(132).fill(0xff))
  expect([...der.subarray(0, 7)]).toEqual([0x30, 0x81, 138, 2, 67, 0, 0xff])
  expect(der).toHaveLength(3 + 138)
})
