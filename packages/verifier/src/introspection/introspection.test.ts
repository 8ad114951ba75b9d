import { describe, expect, it, vi } from 'vitest'
import { introspection } from './introspection.ts'

const ENDPOINT = 'https://issuer.example/oauth2/introspect'

function asked(answer: () => Response | Promise<Response>) {
  const fetch = vi.fn<typeof globalThis.fetch>(async () => answer())
  const introspect = introspection({ uri: ENDPOINT, clientId: 'api:1', clientSecret: 'päss', fetch, timeoutMs: 200 })
  return { introspect, fetch }
}

describe('asking the issuer whether a token is active', () => {
  it('sends the token and the credentials of the resource server, RFC 7662 §2.1', async () => {
    const { introspect, fetch } = asked(() => Response.json({ active: true }))
    expect(await introspect('token')).toBe(true)
    const [url, init] = fetch.mock.calls[0] ?? []
    expect([url, init?.method, init?.redirect, String(init?.body)]).toEqual([
      ENDPOINT,
      'POST',
      'error',
      'token=token&token_type_hint=access_token',
    ])
    const credentials = `${encodeURIComponent('api:1')}:${encodeURIComponent('päss')}`
    expect(new Headers(init?.headers).get('authorization')).toBe(`Basic ${Buffer.from(credentials).toString('base64')}`)
  })

  it('sends a request each time', async () => {
    const { introspect, fetch } = asked(() => Response.json({ active: false, sub: 'x' }))
    expect([await introspect('token'), await introspect('token')]).toEqual([false, false])
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['401', () => new Response(null, { status: 401 })],
    ['500', () => Response.json({ active: true }, { status: 500 })],
    ['garbage', () => new Response('{')],
    ['no verdict', () => Response.json({})],
    ['text for a verdict', () => Response.json({ active: 'true' })],
    ['nothing, ever', () => new Promise(() => {})],
  ])('fails when the answer is %s: it is no verdict', async (_, answer) => {
    await expect(asked(answer).introspect('token')).rejects.toThrow()
  })

  it('ends when its caller aborts', async () => {
    const giveUp = new AbortController()
    const answer = asked(() => new Promise(() => {})).introspect('token', giveUp.signal)
    giveUp.abort(new Error('gone'))
    await expect(answer).rejects.toThrow('gone')
  })

  it('requires https', () => {
    const credentials = { clientId: 'a', clientSecret: 'b' }
    expect(() => introspection({ uri: 'http://issuer.example/introspect', ...credentials })).toThrow(TypeError)
    expect(introspection({ uri: 'http://localhost:1/introspect', ...credentials })).toBeDefined()
  })
})
