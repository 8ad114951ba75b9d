import { describe, expect, it } from 'vitest'
import { discoverJwksUri } from './discovery.ts'
import { secureUrl } from '../url/secure-url.ts'

/** Answers by address; counts nothing, forgives nothing. */
function site(pages: Readonly<Record<string, unknown>>): typeof fetch {
  return async (input) => {
    const page = pages[String(input)]
    return page === undefined ? new Response(null, { status: 404 }) : Response.json(page)
  }
}

const discover = (issuer: string, pages: Readonly<Record<string, unknown>>) =>
  discoverJwksUri({
    issuer,
    allowInsecureRequests: false,
    fetch: site(pages),
    timeoutMs: 1_000,
    signal: new AbortController().signal,
  })

const OAUTH = 'https://as.example/.well-known/oauth-authorization-server'

describe('the discovery of the key set', () => {
  it.each([
    ['https://as.example', OAUTH],
    ['https://as.example/', OAUTH],
    ['https://as.example/tenant', `${OAUTH}/tenant`],
    ['https://as.example/tenant', 'https://as.example/tenant/.well-known/openid-configuration'],
  ])('is what its metadata say: %s at %s', async (issuer, address) => {
    const jwks = 'https://keys.example/jwks'
    expect(await discover(issuer, { [address]: { issuer, jwks_uri: jwks } })).toBe(jwks)
  })

  it.each<[string, unknown]>([
    ['another issuer', { issuer: 'https://evil.example', jwks_uri: 'https://evil.example/jwks' }],
    ['the issuer with a slash', { issuer: 'https://as.example/', jwks_uri: 'https://as.example/jwks' }],
    ['keys over http', { issuer: 'https://as.example', jwks_uri: 'http://as.example/jwks' }],
    ['keys in a file', { issuer: 'https://as.example', jwks_uri: 'file:///etc/passwd' }],
    ['no keys', { issuer: 'https://as.example' }],
  ])('is not believed of metadata of %s', async (_, metadata) => {
    await expect(discover('https://as.example', { [OAUTH]: metadata })).rejects.toThrow()
  })
})

it.each([
  'https://ops:hunter2@as.example',
  'http://ops:hunter2@as.example',
  'https://hunter2@as.example',
  'https://ops:hunter2@',
])('is no address with a password, %s, and no error repeats it', (address) => {
  try {
    secureUrl(address, true)
    expect.unreachable()
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    expect(JSON.stringify([String(error), error])).not.toContain('hunter2')
  }
})
