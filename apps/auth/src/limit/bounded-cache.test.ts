import fc from 'fast-check'
import { expect, it } from 'vitest'
import { rounds } from '../../../../rounds.ts'
import { createBoundedCache, bytesOfText } from './bounded-cache.ts'

const KIB = 1024

it('never keeps more than its bytes, whatever it is asked to keep', () => {
  const lengths = fc.array(fc.oneof(fc.nat(100), fc.nat(64 * KIB)), { minLength: 1, maxLength: 300 })
  fc.assert(
    fc.property(lengths, (all) => {
      const cache = createBoundedCache<string>({ maxBytes: 100 * KIB, bytesOf: bytesOfText })
      for (const [index, length] of all.entries()) {
        cache.set(`${index} ${'x'.repeat(length)}`, 'value')
        expect(cache.bytes).toBeLessThanOrEqual(100 * KIB)
      }
    }),
    { numRuns: rounds({ quick: 50, long: 1_000 }) },
  )
})

it('answers what it kept, and only for that text', () => {
  const cache = createBoundedCache<string>({ maxBytes: 100 * KIB, bytesOf: bytesOfText })
  cache.set('one', '1')
  expect([cache.get('one'), cache.get('on'), cache.get('one ')]).toEqual(['1', undefined, undefined])
  cache.delete('one')
  expect([cache.get('one'), cache.bytes]).toEqual([undefined, 0])
})

it('keeps nothing under a text that has another spelling', () => {
  const cache = createBoundedCache<string>({ maxBytes: 100 * KIB, bytesOf: bytesOfText })
  cache.set('\uD800', '1')
  expect([cache.get('\uD800'), cache.get('\uFFFD')]).toEqual([undefined, undefined])
})
