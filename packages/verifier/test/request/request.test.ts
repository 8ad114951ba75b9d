import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { normalHtu } from '../../src/url/index.ts'
import { VerifierError } from '../../src/error/verifier-error.ts'
import { createAuthenticator, credentialsOf, type HttpRequest, principalOf, urlOf } from '../../src/request/index.ts'
import { stubVerifier } from '../adapters/stub-verifier.ts'

const request = (changes: Partial<Omit<HttpRequest, 'header'>> & { headers?: Record<string, string[]> } = {}) => {
  const { headers = { host: ['api.example'] }, ...others } = changes
  const made: HttpRequest = {
    method: 'GET',
    target: '/orders',
    isEncrypted: true,
    header: (name) => headers[name] ?? [],
    raw: {},
    ...others,
  }
  return made
}

const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof VerifierError) return error.code
    throw error
  }
  return 'none'
}

describe('the URL of a request', () => {
  it('is scheme, host, path and query as the client sees them', () => {
    expect(urlOf(request({ target: '/a?b=c' }), undefined)).toBe('https://api.example/a?b=c')
    expect(urlOf(request({ isEncrypted: false }), undefined)).toBe('http://api.example/orders')
    expect(urlOf(request({ headers: { host: ['[::1]:8080'] } }), undefined)).toBe('https://[::1]:8080/orders')
    expect(urlOf(request({ target: 'http://other.example/a?b' }), undefined)).toBe('https://api.example/a?b')
    expect(urlOf(request({ headers: {} }), 'https://x.example/api')).toBe('https://x.example/api/orders')
  })

  it('cannot be told by a Host header that is missing, repeated or no host', () => {
    for (const host of [[], ['a', 'b'], [''], ['a/b'], ['a?b'], ['a#b'], ['u@a'], ['a\\b'], ['a b'], ['a:b']])
      expect(urlOf(request({ headers: { host } }), undefined), host.join()).toBeUndefined()
    expect(urlOf(request({ target: '*' }), undefined)).toBeUndefined()
  })

  it('always has the path that is answered, whatever the Host header says', () => {
    // Otherwise a proof for one path could be led to another one by `Host: api.example/other?`.
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (host) => {
        const url = urlOf(request({ headers: { host: [host] } }), undefined)
        const normal = url === undefined ? undefined : normalHtu(url)
        if (normal !== undefined) expect(normal.endsWith('/orders')).toBe(true)
      }),
    )
  })
})

describe('the token of a request', () => {
  it('is taken from nothing but one scheme of ours and one token', () => {
    fc.assert(
      fc.property(fc.string(), (value) => {
        const made = request({ headers: { authorization: [value] } })
        const isExact = /^\s*(bearer|dpop) +[A-Za-z0-9\-._~+/]+=*\s*$/i.test(value)
        expect(codeOf(() => credentialsOf(made)) === 'none').toBe(isExact)
      }),
    )
  })

  it('is read as it came, and its scheme in any letters', () => {
    const scheme = fc.mixedCase(fc.constantFrom('bearer', 'dpop'))
    fc.assert(
      fc.property(scheme, fc.stringMatching(/^[A-Za-z0-9\-._~+/]{1,40}={0,2}$/), (scheme, token) => {
        const made = request({ headers: { authorization: [`${scheme} ${token}`] } })
        expect(credentialsOf(made)).toEqual({ scheme: scheme.toLowerCase() === 'dpop' ? 'DPoP' : 'Bearer', token })
      }),
    )
  })

  it('is the only one: any second line that names a scheme of ours makes it malformed', () => {
    const line = fc.constantFrom('Bearer a', 'bearer a', 'DPoP a', 'Bearer', 'Basic dTpw', 'Digest a="b, c"')
    fc.assert(
      fc.property(fc.array(line, { minLength: 2, maxLength: 4 }), (lines) => {
        const isOurs = lines.some((value) => /^(bearer|dpop)/i.test(value))
        const made = request({ headers: { authorization: lines } })
        expect(codeOf(() => credentialsOf(made))).toBe(isOurs ? 'invalid_request' : 'missing_token')
      }),
    )
  })

  it('does not go by what only looks like a parameter of that name', () => {
    for (const target of ['/access_token=a', '/?xaccess_token=a', '/?a=access_token'])
      expect(codeOf(() => credentialsOf(request({ target, headers: { authorization: ['Bearer a'] } })))).toBe('none')
    const json = { 'content-type': ['application/json'], authorization: ['Bearer a'] }
    expect(codeOf(() => credentialsOf(request({ headers: json, body: { access_token: 'a' } })))).toBe('none')
  })
})

describe('a guarded request', () => {
  it('has no principal before a guard let it through', async () => {
    const { verifier } = stubVerifier()
    const authenticate = createAuthenticator(verifier)
    const key = {}
    expect(() => principalOf(key)).toThrow(TypeError)
    await authenticate(request({ headers: { authorization: ['Bearer token_revoked'] } }), key)
    expect(() => principalOf(key)).toThrow(TypeError)
    await authenticate(request({ headers: { authorization: ['Bearer good'] } }), key)
    expect(principalOf(key).sub).toBe('u_1')
  })

  it('is let through by nobody when a predicate breaks', async () => {
    const broken = () => {
      throw new RangeError('a mistake in a predicate')
    }
    const key = {}
    const outcome = createAuthenticator(stubVerifier().verifier)(
      request({ headers: { authorization: ['Bearer good'] } }),
      key,
      broken,
    )
    await expect(outcome).rejects.toThrow(RangeError)
    expect(() => principalOf(key)).toThrow(TypeError)
  })

  it('tells a guard what the router found, and the request itself', async () => {
    const seen: unknown[] = []
    const raw = {}
    await createAuthenticator(stubVerifier().verifier)(
      request({ headers: { authorization: ['Bearer good'] }, params: { id: '7', rest: ['a', 'b'] }, raw }),
      {},
      (_, context) => void seen.push(context.params, context.request === raw),
    )
    expect(seen).toEqual([{ id: '7' }, true])
  })

  it('that is refused is told to the log with its reason, which is in no answer', async () => {
    const details: unknown[] = []
    const authenticate = createAuthenticator(stubVerifier().verifier, {
      onRefused: ({ detail }) => details.push(detail),
    })
    const { answer } = await authenticate(request({ headers: { authorization: ['Bearer token_revoked'] } }), {})
    expect(details).toEqual(['secret reason'])
    expect(JSON.stringify(answer)).not.toContain('secret reason')
  })

  it('needs a public URL that is one', () => {
    expect(() => createAuthenticator(stubVerifier().verifier, { publicUrl: 'api.example' })).toThrow(TypeError)
  })
})
