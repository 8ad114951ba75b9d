import { expect, it } from 'vitest'
import { keyedHash, rememberedNames } from './keyed-hash.ts'

it('of 3,000 texts of 64 kB, and of a hundred thousand short ones, does not grow beyond its bound', () => {
  const names = rememberedNames()
  const hash = keyedHash(Buffer.alloc(32, 1), names)
  const bound = 4 * 1024 * 1024
  for (let text = 0; text < 3_000; text += 1) hash(`resource https://${text}.example/${'x'.repeat(64_000)}`)
  expect(names.bytes).toBe(0)
  for (let text = 0; text < 100_000; text += 1) hash(`resource https://${text}.example/`)
  expect(names.bytes).toBeGreaterThan(bound / 2)
  expect(names.bytes).toBeLessThanOrEqual(bound)
})

it('is the same whether it is remembered or not', () => {
  const hash = keyedHash(Buffer.alloc(32, 1))
  const long = `scope ${'y'.repeat(64_000)}`
  for (const text of ['scope a', 'scope b', long, '\uD800'])
    expect(hash(text)).toBe(keyedHash(Buffer.alloc(32, 1))(text))
  for (const text of ['scope a', 'scope b', long]) expect(hash(text)).toBe(keyedHash(Buffer.alloc(32, 1))(text))
})
