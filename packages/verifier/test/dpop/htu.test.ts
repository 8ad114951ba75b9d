import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalHtu } from '../../src/url/index.ts'

const unreserved = fc.constantFrom(...'abcXYZ019-_~')
const reserved = fc.constantFrom(..."/?#[]@!$&'()*+,;=:% ")
const escapeOf = (character: string) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`
const host = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,8})?$/)
const segment = fc.array(unreserved, { minLength: 1, maxLength: 6 }).map((characters) => characters.join(''))
const path = fc.array(segment, { maxLength: 4 }).map((segments) => `/${segments.join('/')}`)
const property = (...arguments_: Parameters<typeof fc.property<[string, string]>>) =>
  fc.assert(fc.property(...arguments_))

describe('two htu are the same', () => {
  it('whatever the query and the fragment', () => {
    fc.assert(
      fc.property(host, path, fc.webQueryParameters(), fc.webFragments(), (host, path, query, fragment) => {
        expect(normalHtu(`https://${host}${path}?${query}#${fragment}`)).toBe(`https://${host}${path}`)
      }),
    )
  })

  it('whatever the case of scheme and host, and whether the usual port is said', () => {
    property(host, path, (host, path) => {
      expect(normalHtu(`HTTPS://${host.toUpperCase()}:443${path}`)).toBe(normalHtu(`https://${host}${path}`))
      expect(normalHtu(`HTTP://${host.toUpperCase()}:80${path}`)).toBe(normalHtu(`http://${host}${path}`))
    })
  })

  it('when characters are escaped that need not be, in either case of hex digits', () => {
    property(host, path, (host, path) => {
      const escaped = path.replace(/[A-Za-z0-9\-_~]/g, escapeOf)
      expect(normalHtu(`https://${host}${escaped}`)).toBe(`https://${host}${path}`)
      expect(normalHtu(`https://${host}${escaped.toUpperCase()}`)).toBe(`https://${host}${path}`)
    })
  })

  it('when steps to here and back are in the path, escaped or not', () => {
    property(host, path, (host, path) => {
      for (const dots of ['/.', '/x/..', '/%2e', '/x/%2E%2e'])
        expect(normalHtu(`https://${host}${dots}${path}`)).toBe(`https://${host}${path}`)
    })
  })

  it('when the path is empty or a slash', () => {
    expect(normalHtu('https://api.example')).toBe(normalHtu('https://api.example/'))
  })
})

describe('two htu differ', () => {
  it('when anything else does', () => {
    fc.assert(
      fc.property(host, path, host, path, fc.constantFrom(80, 443, 8443), (a, pathOfA, b, pathOfB, port) => {
        const one = `https://${a}${pathOfA}`
        const other = `https://${b}:${port}${pathOfB}`
        expect(normalHtu(one) === normalHtu(other)).toBe(a === b && pathOfA === pathOfB && port === 443)
      }),
    )
  })

  it('when a character that means something is escaped in one of them', () => {
    fc.assert(
      fc.property(host, segment, reserved, segment, (host, before, character, after) => {
        const escaped = normalHtu(`https://${host}/${before}${escapeOf(character)}${after}`)
        expect(escaped).toBe(`https://${host}/${before}${escapeOf(character).toUpperCase()}${after}`)
        expect(normalHtu(`https://${host}/${before}${character}${after}`)).not.toBe(escaped)
      }),
    )
  })

  it('when one was escaped twice', () => {
    expect(normalHtu('https://api.example/%2561')).toBe('https://api.example/%2561')
  })
})

describe('a normal htu', () => {
  it('stays what it is when it is made normal again', () => {
    fc.assert(
      fc.property(fc.webUrl({ validSchemes: ['http', 'https'], withQueryParameters: true }), (url) => {
        const normal = normalHtu(url)
        expect(normal).toBeDefined()
        expect(normalHtu(normal ?? '')).toBe(normal)
      }),
    )
  })

  it('is not made of what a URL parser would have to repair, or of a user', () => {
    const odd = [
      '',
      '/orders',
      'api.example/x',
      'ftp://a/x',
      'https:a/x',
      'https:///a/x',
      'https://a\\x',
      'https://a/\tx',
      '\nhttps://a/',
    ]
    for (const uri of [
      ...odd,
      'https://a/x y',
      'https://a/%',
      'https://a/%zz',
      'https://u@a/',
      'https://u:p@a/',
      'https://ü/',
      'https://',
    ])
      expect(normalHtu(uri), JSON.stringify(uri)).toBeUndefined()
  })

  it('is found, or not, for any text without throwing', () => {
    fc.assert(fc.property(fc.string(), (text) => void normalHtu(text)))
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void normalHtu(`https://${text}`)))
  })
})
