import { describe, expect, it } from 'vitest'
import { nodeAuth } from '../../src/node/index.ts'
import { publicUrlOf } from '../../src/request/public-url.ts'
import { stubVerifier } from '../adapters/stub-verifier.ts'

describe('what clients see before the path', () => {
  it.each([
    ['https://api.example', 'https://api.example'],
    ['https://api.example/', 'https://api.example'],
    ['http://127.0.0.1:4050/api//', 'http://127.0.0.1:4050/api'],
    ['https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe', 'https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe'],
    ['HTTPS://API.example', 'HTTPS://API.example'],
  ])('may be %s', (url, before) => expect(publicUrlOf(url)).toBe(before))

  it.each([
    'https://user@api.example',
    'https://user:pass@api.example',
    'https://:pass@api.example',
    'https://api.example?tenant=1',
    'https://api.example/?',
    'https://api.example/#',
    'https://api.example#top',
    'ftp://api.example',
    'wss://api.example',
    'urn:example:api',
    'javascript:alert(1)',
    'api.example',
    '/api',
    '',
    ' https://api.example',
    'https://api.example ',
    'https:api.example',
    'https:/api.example',
    'https:\\\\api.example',
    'https://bücher.example',
    'https://api.example/größe',
    'https://api.example/%zz',
    7 as unknown as string,
  ])('is refused at the start when no path can be put behind it: %s', (publicUrl) => {
    expect(() => nodeAuth(stubVerifier().verifier, { publicUrl })).toThrow(TypeError)
  })
})
