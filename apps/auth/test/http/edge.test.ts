import { Unavailable, UnknownOutcome } from '@ledgate/eventsourcing'
import { InvalidClient, InvalidGrant } from '@ledgate/oauth'
import Fastify, { type FastifyBaseLogger } from 'fastify'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { formsOnly, parseForm } from '../../src/http/form.ts'
import { installCors } from '../../src/http/cors.ts'
import { installErrorHandler } from '../../src/http/error-handler.ts'
import { createLogger } from '../../src/http/logger.ts'
import { parse } from '../../src/http/parse.ts'

const collecting = (lines: string[]): FastifyBaseLogger =>
  pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })

function edge(handler: (body: unknown) => unknown) {
  const lines: string[] = []
  const app = Fastify({ loggerInstance: collecting(lines) })
  installErrorHandler(app)
  formsOnly(app)
  app.post('/', async (request) => handler(request.body))
  const post = (payload: string, type = 'application/x-www-form-urlencoded') =>
    app.inject({ method: 'POST', url: '/', payload, headers: { 'content-type': type } })
  return { app, post, lines }
}

describe('a form', () => {
  it('keeps each parameter, drops those without a value, lets only resource repeat', () => {
    expect({ ...parseForm('a=1&b=&resource=x&resource=y&c=%C3%A9+z') }).toEqual({
      a: '1',
      resource: ['x', 'y'],
      c: 'é z',
    })
  })

  it.each(['a=1&a=1', 'a=&a=2', 'a=1&b=2&a=3'])('is refused when a parameter repeats: %s', async (form) => {
    const answer = await edge((body) => body).post(form)
    expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_request'])
  })

  it('has no prototype to pollute', async () => {
    const answer = await edge((body) => ({ keys: Object.keys(body as object), polluted: 'x' in {} })).post(
      '__proto__=1&constructor=2',
    )
    expect(answer.json()).toEqual({ keys: ['__proto__', 'constructor'], polluted: false })
  })

  it.each(['application/json', 'text/plain', 'multipart/form-data; boundary=x'])(
    'is the only body: %s is refused',
    async (type) => {
      const answer = await edge((body) => body).post('{"a":1}', type)
      expect([answer.statusCode, answer.json().error]).toEqual([400, 'invalid_request'])
    },
  )

  it('without a readable content type is refused', async () => {
    const answer = await edge((body) => body).post('a=1', 'nonsense')
    expect([answer.statusCode, answer.json().error]).toEqual([415, 'invalid_request'])
  })

  it('of a thousand parameters is refused', async () => {
    const answer = await edge((body) => body).post(Array.from({ length: 1000 }, (_, index) => `p${index}=1`).join('&'))
    expect(answer.statusCode).toBe(400)
  })
})

describe('an error', () => {
  const thrown = (error: Error) => edge(() => Promise.reject(error))

  it('answers its registered code, is not cached, and keeps its detail for the log', async () => {
    const { post, lines } = thrown(new InvalidGrant('the grant was revoked at noon'))
    const answer = await post('a=1')
    expect(answer.json()).toEqual({
      error: 'invalid_grant',
      error_description: 'the grant is invalid, expired or revoked',
    })
    expect(answer.headers['cache-control']).toBe('no-store')
    expect(lines.join('')).toContain('revoked at noon')
  })

  it('of client authentication carries a challenge', async () => {
    const answer = await thrown(new InvalidClient('wrong secret')).post('a=1')
    expect([answer.statusCode, answer.headers['www-authenticate']]).toEqual([
      401,
      'Basic realm="ledgate", charset="UTF-8"',
    ])
  })

  it.each([new Unavailable('disk full', { retryAfter: 7 }), new UnknownOutcome('who knows')])(
    'of the store is 503 with Retry-After',
    async (error) => {
      const answer = await thrown(error).post('a=1')
      expect([answer.statusCode, answer.json().error]).toEqual([503, 'temporarily_unavailable'])
      expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0)
      expect(answer.body).not.toMatch(/disk|knows/)
    },
  )

  it('an unexpected error is a bare 500, with its stack in the log only', async () => {
    const { post, lines } = thrown(new TypeError('secret detail'))
    const answer = await post('a=1')
    expect([answer.statusCode, answer.json()]).toEqual([
      500,
      { error: 'server_error', error_description: 'internal server error' },
    ])
    expect(lines.join('')).toContain('secret detail')
  })

  it('of a schema names the parameters and never their values', async () => {
    const { post, lines } = edge((body) => parse(z.object({ token: z.string().max(3) }), body))
    const answer = await post('token=hunter2')
    expect(answer.json().error_description).toBe('a parameter is missing, repeated or malformed: token')
    expect(answer.body + lines.join('')).not.toContain('hunter2')
  })

  it('of a body that is no JSON does not quote it in the log', async () => {
    const lines: string[] = []
    const app = Fastify({ loggerInstance: collecting(lines) })
    installErrorHandler(app)
    app.post('/', async () => 'ok')
    const answer = await app.inject({
      method: 'POST',
      url: '/',
      payload: '{"password":"hunter2',
      headers: { 'content-type': 'application/json' },
    })
    expect(answer.statusCode).toBe(400)
    expect(answer.body + lines.join('')).not.toContain('hunter2')
  })
})

describe('the logger', () => {
  it('cuts secrets out by name, at the top and four levels down', () => {
    const lines: string[] = []
    const log = createLogger({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    log.info(
      { password: 'hunter2', body: { client_secret: 'hunter2', deep: { er: { token: 'hunter2', kept: 'seen' } } } },
      'x',
    )
    expect(lines.join('')).toContain('seen')
    expect(lines.join('')).not.toContain('hunter2')
  })

  it('keeps the query of a URL out of the log', () => {
    const lines: string[] = []
    const log = createLogger({ level: 'info' }, { write: (line: string) => void lines.push(line) })
    log.info({ req: { method: 'GET', url: '/accounts/confirm?token=hunter2', ip: '203.0.113.9' } }, 'x')
    expect(lines.join('')).toContain('/accounts/confirm')
    expect(lines.join('')).not.toContain('203.0.113.9')
    expect(lines.join('')).not.toContain('hunter2')
  })
})

describe('a page of another origin', () => {
  async function allowed(origin: string, url: string) {
    const app = Fastify()
    await installCors(app, { origins: () => new Set(['https://app.example.com']) })
    app.get('/*', () => 'ok')
    return (await app.inject({ url, headers: { origin } })).headers['access-control-allow-origin']
  }

  it('reads the token endpoint only when a client is registered there', async () => {
    expect(await allowed('https://app.example.com', '/oauth2/token')).toBe('https://app.example.com')
    expect(await allowed('https://evil.example.com', '/oauth2/token')).toBeUndefined()
    expect(await allowed('null', '/oauth2/token')).toBeUndefined()
  })

  it('reads keys and metadata wherever it is', async () => {
    expect(await allowed('https://any.example.com', '/oauth2/jwks')).toBe('*')
    expect(await allowed('https://any.example.com', '/.well-known/oauth-authorization-server')).toBe('*')
  })
})
