import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { listening } from './adapters/listening.ts'
import { createVerifier } from '../src/verifier/index.ts'
import { type JwksOptions, type Verifier } from '../src/index.ts'
import { codeOf } from './outcome.ts'
import { claimsOf, AUDIENCE, signingKey, type SigningKey } from './tokens.ts'

const JSON_TYPE = { 'content-type': 'application/json' }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A server of metadata and keys on loopback that counts requests for keys, and does with them what a test wants. */
async function issuerServer(keys: readonly SigningKey[]) {
  const stranger = await signingKey('stranger')
  const state = { keys: [...keys], fetches: 0, open: 0, most: 0, sent: 0, answer: undefined as Answer | undefined }
  const json = (response: ServerResponse, body: object) =>
    response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
  const good: Answer = (_, response) => json(response, { keys: state.keys.map(({ jwk }) => jwk) })
  const server = createServer((request, response) => {
    if (request.url === '/other') return json(response, { keys: [stranger.jwk] })
    if (request.url !== '/jwks') return json(response, { issuer, jwks_uri: `${issuer}/jwks` })
    state.fetches += 1
    state.open += 1
    state.most = Math.max(state.most, state.open)
    response.once('close', () => (state.open -= 1))
    return (state.answer ?? good)(request, response)
  })
  const { port, close } = await listening(server)
  closing.push(close)
  const issuer = `http://127.0.0.1:${port}`
  return Object.assign(state, {
    issuer,
    /** A key set like that of the issuer, but of somebody else. */
    forged: JSON.stringify({ keys: [stranger.jwk] }),
    token: (key: SigningKey, header: object = {}) => key.sign(header, JSON.stringify(claimsOf({ iss: issuer }))),
    async verifier(jwks: JwksOptions = {}): Promise<Verifier> {
      const verifier = createVerifier({ issuer, audience: AUDIENCE, revocations: false, jwks })
      closing.push(() => verifier.close())
      await verifier.start()
      return verifier
    },
  })
}

type Server = Awaited<ReturnType<typeof issuerServer>>

/** A hundred megabytes of a key set, as fast as they are taken. */
const endless =
  (server: Server): Answer =>
  (_, response) => {
    const part = Buffer.alloc(1_000_000, ' ')
    response.setHeader('content-type', 'application/json')
    const more = (): void => {
      while (server.sent < 100 && !response.destroyed) {
        server.sent += 1
        if (!response.write(part)) return void response.once('drain', more)
      }
      response.end()
    }
    more()
  }

describe('while the server of the keys', () => {
  it.each<[string, (server: Server) => Answer]>([
    ['hangs', () => () => {}],
    [
      'hangs in the middle of its answer',
      () => (_, r) => void r.setHeader('content-type', 'application/json').write('{'),
    ],
    ['answers 500', (server) => (_, r) => void r.writeHead(500, JSON_TYPE).end(server.forged)],
    ['answers with a web page', (server) => (_, r) => void r.setHeader('content-type', 'text/html').end(server.forged)],
    ['answers garbage', () => (_, r) => void r.setHeader('content-type', 'application/json').end('{"keys":[{]}')],
    ['breaks off', () => (_, response) => void response.destroy()],
    ['sends a hundred megabytes', endless],
    ['sends to another address', () => (_, response) => void response.writeHead(302, { location: '/other' }).end()],
  ])('%s, tokens are verified on with the keys of before, and one that comes later is known soon', async (_, make) => {
    const [old, fresh] = await Promise.all([signingKey('old'), signingKey('fresh')])
    const server = await issuerServer([old])
    const verifier = await server.verifier({ refreshAheadMs: 50, timeoutMs: 200 })
    server.answer = make(server)
    await vi.waitFor(() => expect(verifier.health().issuers[0]?.keys.lastError).toBeDefined(), { timeout: 5_000 })
    for (let nth = 0; nth < 50; nth += 1) expect(await codeOf(verifier.verify(await server.token(old)))).toBe('good')
    expect([server.most, verifier.health().isReady]).toEqual([1, true])
    expect(server.sent).toBeLessThan(20)
    server.keys = [old, fresh]
    server.answer = undefined
    await vi.waitFor(async () => expect(await codeOf(verifier.verify(await server.token(fresh)))).toBe('good'), {
      timeout: 20_000,
    })
    expect(verifier.health().issuers[0]?.keys.lastError).toBeUndefined()
  })
})

describe('tokens by keys that nobody knows', () => {
  it('ten thousand at once cost one fetch, and hold up neither each other nor those of the issuer', async () => {
    const [known, stranger] = await Promise.all([signingKey('known'), signingKey('stranger')])
    const server = await issuerServer([known])
    const verifier = await server.verifier()
    const one = await server.token(stranger)
    const tail = one.slice(one.indexOf('.'))
    // Their signatures do not matter: nobody gets as far as that.
    const header = (nth: number) => Buffer.from(JSON.stringify({ alg: 'ES256', typ: 'at+jwt', kid: `made-up-${nth}` }))
    const made = Array.from({ length: 10_000 }, (_, nth) => header(nth).toString('base64url') + tail)
    const verdicts = made.map((token) => codeOf(verifier.verify(token)))
    expect(await codeOf(verifier.verify(await server.token(known)))).toBe('good')
    expect(new Set(await Promise.all(verdicts))).toEqual(new Set(['invalid_token']))
    await vi.waitFor(() => expect(server.fetches).toBe(2))
  })

  it('do not keep a new key from being found: not while they are looked for, and not in a flood', async () => {
    const [known, fresh, stranger] = await Promise.all(['known', 'fresh', 'stranger'].map((kid) => signingKey(kid)))
    if (!known || !fresh || !stranger) throw new Error('no keys')
    const server = await issuerServer([known])
    const verifier = await server.verifier()
    const flood = setInterval(() => {
      for (let each = 0; each < 20; each += 1)
        void server.token(stranger, { kid: crypto.randomUUID() }).then((token) => codeOf(verifier.verify(token)))
    }, 50)
    try {
      await vi.waitFor(() => expect(server.fetches).toBeGreaterThan(4), { timeout: 10_000 })
      server.keys = [known, fresh]
      await vi.waitFor(async () => expect(await codeOf(verifier.verify(await server.token(fresh)))).toBe('good'), {
        timeout: 20_000,
      })
    } finally {
      clearInterval(flood)
    }
  })
})

describe('a key that leaves the set', () => {
  it('while a token of it is being verified, is trusted no more when that is done', async () => {
    const [leaves, stays] = await Promise.all([signingKey('leaves'), signingKey('stays')])
    const server = await issuerServer([leaves, stays])
    const asked = Promise.withResolvers<void>()
    const proven = Promise.withResolvers<void>()
    const dpop = {
      policy: 'allow' as const,
      algorithms: ['ES256'],
      check() {
        asked.resolve()
        return proven.promise
      },
    }
    const { issuer } = server
    const verifier = createVerifier({
      issuer,
      audience: AUDIENCE,
      revocations: false,
      jwks: { refreshAheadMs: 20 },
      dpop,
    })
    closing.push(() => verifier.close())
    await verifier.start()
    const token = await leaves.sign({}, JSON.stringify(claimsOf({ iss: issuer, cnf: { jkt: 'thumbprint' } })))
    const verdict = codeOf(verifier.verify(token, { scheme: 'DPoP', method: 'GET', url: 'https://api.example/' }))
    await asked.promise
    server.keys = [stays]
    await vi.waitFor(() => expect(verifier.health().issuers[0]?.keys.kids).toEqual(['stays']))
    proven.resolve()
    expect(await verdict).toBe('invalid_token')
  })
})
