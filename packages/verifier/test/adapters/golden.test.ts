import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { nodeAuth } from '../../src/node/index.ts'
import { exchange, type Got, type Listening, listening, type Sent } from './listening.ts'
import { GUARDS, SERVERS } from './servers.ts'
import { stubVerifier } from './stub-verifier.ts'

const CHALLENGE = {
  realm: 'orders',
  resourceMetadata: 'https://api.example/.well-known/oauth-protected-resource',
  dpop: { policy: 'allow', algorithms: ['ES256', 'EdDSA'] },
} as const

const METADATA = 'resource_metadata="https://api.example/.well-known/oauth-protected-resource"'
const INVALID =
  'error="invalid_token", error_description="The access token provided is expired, revoked, malformed, or invalid for other reasons"'
const BEARER = `Bearer realm="orders", ${METADATA}`
const DPOP = `DPoP realm="orders", ${METADATA}, algs="ES256 EdDSA"`
const bearer = (error: string) => `Bearer realm="orders", ${error}, ${METADATA}, ${DPOP}`
const dpop = (error: string) => `${BEARER}, DPoP realm="orders", ${error}, ${METADATA}, algs="ES256 EdDSA"`

const authorization = (...values: string[]) => values.map((value) => ['authorization', value] as const)
const form = ['content-type', 'application/x-www-form-urlencoded'] as const

const refusal = (status: number, challenge: string | undefined, error?: string, description?: string): Got => ({
  status,
  headers: {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    ...(challenge !== undefined && { 'www-authenticate': challenge }),
  },
  body: error === undefined ? '{}' : JSON.stringify({ error, error_description: description }),
})
const MISSING = refusal(401, `${BEARER}, ${DPOP}`)
const MALFORMED = refusal(
  400,
  bearer('error="invalid_request", error_description="The request is malformed"'),
  'invalid_request',
  'The request is malformed',
)
const INVALID_TEXT = 'The access token provided is expired, revoked, malformed, or invalid for other reasons'
const BAD_TOKEN = refusal(401, bearer(INVALID), 'invalid_token', INVALID_TEXT)
const SCOPE_TEXT = 'The request requires higher privileges than provided by the access token'
const LEVEL_TEXT = 'A different authentication level is required'
const STALE = refusal(
  503,
  undefined,
  'temporarily_unavailable',
  'Whether the access token is still good cannot be told now',
)
const PROOF_TEXT = 'The DPoP proof is missing or invalid'
const NONCE_TEXT = 'The DPoP proof needs the nonce given here'

const TABLE: readonly (readonly [name: string, sent: Sent, got: Got | 'let through'])[] = [
  ['no token', { path: '/orders' }, MISSING],
  ['another scheme', { path: '/orders', headers: authorization('Basic dTpw') }, MISSING],
  ['an empty header', { path: '/orders', headers: authorization('') }, MISSING],
  ['a scheme that only begins like one', { path: '/orders', headers: authorization('Bearers good') }, MISSING],
  ['a good token', { path: '/orders', headers: authorization('Bearer good') }, 'let through'],
  [
    'a good token, the scheme in small letters',
    { path: '/orders', headers: authorization('bearer good') },
    'let through',
  ],
  ['a good token, the scheme in capitals', { path: '/orders', headers: authorization('BEARER   good') }, 'let through'],
  [
    'a good token by POST',
    { method: 'POST', path: '/orders?a=1', headers: authorization('Bearer good') },
    'let through',
  ],
  ['a scheme alone', { path: '/orders', headers: authorization('Bearer') }, MALFORMED],
  ['two words', { path: '/orders', headers: authorization('Bearer good good') }, MALFORMED],
  ['a token in quotes', { path: '/orders', headers: authorization('Bearer "good"') }, MALFORMED],
  ['two headers', { path: '/orders', headers: authorization('Bearer good', 'Bearer good') }, MALFORMED],
  ['two headers of two schemes', { path: '/orders', headers: authorization('Basic dTpw', 'Bearer good') }, MALFORMED],
  ['two headers, ours first', { path: '/orders', headers: authorization('Bearer good', 'Basic dTpw') }, MALFORMED],
  ['two tokens in one header', { path: '/orders', headers: authorization('Bearer good, DPoP good') }, MALFORMED],
  ['a token in the query', { path: '/orders?access_token=good' }, MALFORMED],
  ['a token in the query, escaped', { path: '/orders?access%5Ftoken=good' }, MALFORMED],
  ['a token in the query, too', { path: '/orders?access_token=', headers: authorization('Bearer good') }, MALFORMED],
  ['a bad token', { path: '/orders', headers: authorization('Bearer invalid_token') }, BAD_TOKEN],
  ['an expired token', { path: '/orders', headers: authorization('Bearer token_expired') }, BAD_TOKEN],
  ['a revoked token', { path: '/orders', headers: authorization('Bearer token_revoked') }, BAD_TOKEN],
  [
    'a bad token by DPoP',
    { path: '/orders', headers: authorization('dpop invalid_token') },
    refusal(401, dpop(INVALID), 'invalid_token', INVALID_TEXT),
  ],
  [
    'a bad proof',
    { path: '/orders', headers: authorization('DPoP invalid_dpop_proof') },
    refusal(
      401,
      dpop(`error="invalid_dpop_proof", error_description="${PROOF_TEXT}"`),
      'invalid_dpop_proof',
      PROOF_TEXT,
    ),
  ],
  [
    'a proof without a nonce',
    { path: '/orders', headers: authorization('DPoP nonce') },
    ((got: Got) => ({ ...got, headers: { ...got.headers, 'dpop-nonce': 'n1' } }))(
      refusal(401, dpop(`error="use_dpop_nonce", error_description="${NONCE_TEXT}"`), 'use_dpop_nonce', NONCE_TEXT),
    ),
  ],
  [
    'too few scopes',
    { path: '/orders/write', headers: authorization('Bearer good') },
    refusal(
      403,
      bearer(`error="insufficient_scope", error_description="${SCOPE_TEXT}", scope="orders:read orders:write"`),
      'insufficient_scope',
      SCOPE_TEXT,
    ),
  ],
  [
    'too weak an authentication',
    { path: '/transfer', headers: authorization('DPoP good') },
    refusal(
      401,
      dpop(
        `error="insufficient_user_authentication", error_description="${LEVEL_TEXT}", acr_values="urn:example:mfa", max_age="300"`,
      ),
      'insufficient_user_authentication',
      LEVEL_TEXT,
    ),
  ],
  [
    'no right to it',
    { path: '/admin', headers: authorization('Bearer good') },
    refusal(403, undefined, 'access_denied', 'This is not allowed'),
  ],
  [
    'a stale verifier',
    { path: '/orders', headers: authorization('Bearer verifier_stale') },
    { ...STALE, headers: { ...STALE.headers, 'retry-after': '1' } },
  ],
]

describe.each(Object.entries(SERVERS))('%s', (_, serve) => {
  const { verifier } = stubVerifier(CHALLENGE)
  let server: Listening
  beforeAll(async () => void (server = await serve(verifier)))
  afterAll(() => server.close())

  it.each(TABLE)('answers %s as every adapter does', async (_, sent, expected) => {
    const got = await exchange(server.port, sent)
    if (expected !== 'let through') return expect(got).toEqual(expected)
    expect(got.body).toBe('hello u_1')
    // Nest answers a POST with 201.
    expect([200, 201]).toContain(got.status)
  })

  it('lets nobody through when verifying breaks', async () => {
    const got = await exchange(server.port, { path: '/orders', headers: authorization('Bearer broken') })
    expect(got.status).toBe(500)
    expect(got.body).not.toContain('hello')
  })

  it('answers HEAD without a body', async () => {
    const got = await exchange(server.port, { method: 'HEAD', path: '/orders' })
    // Nest and Fastify route HEAD only where they are told to; none of them lets it through.
    expect(got.body).toBe('')
    expect(got.status).toBeGreaterThanOrEqual(401)
  })
})

describe('the request that opens a WebSocket', () => {
  const { verifier } = stubVerifier(CHALLENGE)
  const auth = nodeAuth(verifier)
  let server: Listening
  beforeAll(async () => {
    const made = createServer()
    made.on('upgrade', (request, socket) => {
      const path = (request.url ?? '').split('?')[0] as keyof typeof GUARDS
      void auth.handleUpgrade(request, socket, GUARDS[path]).then((principal) => {
        if (principal) socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello ${principal.sub}`)
      })
    })
    server = await listening(made)
  })
  afterAll(() => server.close())

  it.each(TABLE)('is answered as any other: %s', async (_, sent, expected) => {
    const upgrade = [
      ['connection', 'Upgrade'],
      ['upgrade', 'websocket'],
    ] as const
    const got = await exchange(server.port, { ...sent, headers: [...upgrade, ...(sent.headers ?? [])] })
    if (expected !== 'let through') return expect(got).toEqual(expected)
    expect(got.body).toBe('hello u_1')
  })
})

describe.each(['fastify', 'express', 'nest'])('%s, which has read the form before the guard', (name) => {
  it('refuses a token in it', async () => {
    const serve = SERVERS[name]
    const server = await serve!(stubVerifier(CHALLENGE).verifier)
    const sent = { method: 'POST', path: '/orders', headers: [form], body: 'access_token=good' }
    expect(await exchange(server.port, sent)).toEqual(MALFORMED)
    const other = { ...sent, headers: [form, ...authorization('Bearer good')], body: 'token=good' }
    expect((await exchange(server.port, other)).body).toBe('hello u_1')
    await server.close()
  })
})

// The server of Hono refuses such a request by itself.
describe.each(Object.entries(SERVERS).filter(([name]) => name !== 'hono'))('%s', (_, serve) => {
  it('refuses a proof when the Host header is none, and is not broken by it', async () => {
    const server = await serve(stubVerifier(CHALLENGE).verifier)
    const host = ['host', 'a/b'] as const
    const error = 'error="invalid_request", error_description="The request is malformed"'
    const refused = refusal(400, dpop(error), 'invalid_request', 'The request is malformed')
    expect(await exchange(server.port, { path: '/orders', headers: [host, ...authorization('DPoP good')] })).toEqual(
      refused,
    )
    const bearer = await exchange(server.port, { path: '/orders', headers: [host, ...authorization('Bearer good')] })
    expect(bearer.body).toBe('hello u_1')
    await server.close()
  })
})

describe.each(Object.entries(SERVERS))('the URL that a proof must be for, by %s', (_, serve) => {
  const urlOf = async (options: { publicUrl?: string }, headers: Sent['headers'] = []) => {
    const { verifier, contexts } = stubVerifier(CHALLENGE)
    const server = await serve(verifier, options)
    const all = [...authorization('DPoP good'), ['dpop', 'a.b.c'] as const, ...headers]
    await exchange(server.port, { path: '/orders?page=2', headers: all })
    await server.close()
    return { ...contexts[0], port: server.port }
  }

  it('is that of the Host header and the connection', async () => {
    const context = await urlOf({})
    expect(context).toMatchObject({ method: 'GET', scheme: 'DPoP', dpop: 'a.b.c' })
    expect(context.url).toBe(`http://127.0.0.1:${context.port}/orders?page=2`)
  })

  it('is what the options say before the path, whatever a client says', async () => {
    const spoofed = [
      ['x-forwarded-host', 'evil.example'],
      ['x-forwarded-proto', 'https'],
    ] as const
    const { url } = await urlOf({ publicUrl: 'https://example.com/api/' }, spoofed)
    expect(url).toBe('https://example.com/api/orders?page=2')
  })

  it('is not what a client says of a proxy that nobody trusts', async () => {
    const context = await urlOf({}, [
      ['x-forwarded-host', 'evil.example'],
      ['x-forwarded-proto', 'https'],
      ['forwarded', 'host=evil.example;proto=https'],
    ])
    expect(context.url).toBe(`http://127.0.0.1:${context.port}/orders?page=2`)
  })

  it('comes with no proof when there are two', async () => {
    const { dpop: proof = '' } = await urlOf({}, [['dpop', 'a.b.c']])
    expect(proof).not.toBe('a.b.c')
  })
})
