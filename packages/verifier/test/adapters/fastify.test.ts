import fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { fastifyAuth } from '../../src/fastify/index.ts'
import { principalOf } from '../../src/request/index.ts'
import { guard } from '../../src/guard/guard.ts'
import { stubVerifier } from './stub-verifier.ts'

const good = { authorization: 'Bearer good' }

describe('the plugin of Fastify', () => {
  it('guards every route beside it, also of plugins inside, and none outside', async () => {
    const auth = fastifyAuth(stubVerifier().verifier)
    await using app = fastify()
    app.get('/open', async () => 'open')
    await app.register(async (api) => {
      await api.register(auth.plugin(guard.scopes('orders:read')))
      api.get('/orders', async (request) => principalOf(request).sub)
      await api.register(async (inner) => void inner.get('/inner', async (request) => principalOf(request).sub))
    })
    expect((await app.inject('/open')).body).toBe('open')
    for (const url of ['/orders', '/inner']) {
      expect((await app.inject(url)).statusCode).toBe(401)
      expect((await app.inject({ url, headers: good })).body).toBe('u_1')
    }
  })

  it('refuses before a body is read when it is asked to', async () => {
    const auth = fastifyAuth(stubVerifier().verifier)
    await using app = fastify()
    app.post('/orders', { onRequest: auth.require() }, async () => 'done')
    const headers = { 'content-type': 'application/json' }
    expect((await app.inject({ method: 'POST', url: '/orders', headers, body: '{broken' })).statusCode).toBe(401)
  })

  it('takes the scheme from a proxy that the app trusts, and from no other', async () => {
    const headers = { ...good, 'x-forwarded-proto': 'https', host: 'api.example' }
    for (const [trustProxy, scheme] of [
      [true, 'https'],
      [false, 'http'],
    ] as const) {
      const { verifier, contexts } = stubVerifier()
      await using app = fastify({ trustProxy })
      app.get('/orders', { onRequest: fastifyAuth(verifier).require() }, async () => 'done')
      await app.inject({ url: '/orders', headers })
      expect(contexts[0]?.url).toBe(`${scheme}://api.example/orders`)
    }
  })

  it('gives a guard the names in the path', async () => {
    await using app = fastify()
    const own = guard.entitlement(({ params }) => `orders/${params?.['id']}`)
    const auth = fastifyAuth(stubVerifier().verifier)
    app.get('/orders/:id', { onRequest: auth.require(own) }, async () => 'done')
    expect((await app.inject({ url: '/orders/7', headers: good })).statusCode).toBe(200)
    expect((await app.inject({ url: '/orders/8', headers: good })).statusCode).toBe(403)
  })
})
