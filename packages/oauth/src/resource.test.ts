import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isSameResource, normalizeResource, spellingsOf } from './resource.ts'

/** Out of the pieces that a spelling can differ by. */
const uris = fc
  .tuple(
    fc.constantFrom('https', 'HTTP', 'api', ''),
    fc.constantFrom('://', ':/', ':'),
    fc.constantFrom('a.example', 'A.Example', 'Me@a.example', '[::A]', ''),
    fc.constantFrom('', ':', ':443', ':80', ':8443', ':x'),
    fc.constantFrom('', '/', '//', '/V1', '/v1/'),
    fc.constantFrom('', '?', '?x=/', '#', '?#/'),
  )
  .map((parts) => parts.join(''))

describe('a resource identifier', () => {
  it.each([
    ['https://api.example', 'https://api.example/'],
    ['https://api.example:443', 'https://api.example/'],
    ['HTTPS://API.example/', 'https://api.example/'],
    ['http://api.example:80/v1', 'http://api.example/v1'],
    ['https://api.example?x=1', 'https://api.example/?x=1'],
    ['https://[2001:DB8::1]:443', 'https://[2001:db8::1]/'],
    ['https://api.example:', 'https://api.example/'],
    ['api://orders', 'api://orders/'],
  ])('%s names the same resource as %s (RFC 3986 §6.2)', (one, other) => {
    expect(isSameResource(one, other)).toBe(true)
    expect(normalizeResource(one)).toBe(other)
  })

  it.each([
    ['https://api.example/v1', 'https://api.example/v1/'],
    ['https://api.example/V1', 'https://api.example/v1'],
    ['https://api.example/', 'http://api.example/'],
    ['https://api.example:8443/', 'https://api.example/'],
    ['https://api.example:80/', 'https://api.example/'],
    ['https://Me@api.example/', 'https://me@api.example/'],
    ['https://api.example/?X', 'https://api.example/?x'],
    ['https://api.example.evil/', 'https://api.example/'],
    ['https://api.example/#x', 'https://api.example/'],
    ['urn:example:orders', 'urn:example:Orders'],
    ['https:api.example', 'https://api.example/'],
    [String.raw`https:\\api.example`, 'https://api.example/'],
    [' https://api.example', 'https://api.example/'],
  ])('%s is another than %s', (one, other) => {
    expect(isSameResource(one, other)).toBe(false)
  })

  it('is normalized once and for all, and every spelling that is looked for names the same', () => {
    const property = fc.property(fc.oneof(uris, fc.string()), (resource) => {
      const normal = normalizeResource(resource)
      expect(normalizeResource(normal)).toBe(normal)
      for (const spelling of spellingsOf(resource)) expect(isSameResource(spelling, resource)).toBe(true)
    })
    fc.assert(property)
  })
})
