import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { healthRoutes } from './routes.ts'
import { readiness } from './readiness.ts'

async function server(check: () => string | undefined) {
  const ready = readiness({ log: check, views: () => undefined })
  const app = Fastify()
  await app.register(healthRoutes, { readiness: ready })
  return { app, ready }
}

describe('the health of a server', () => {
  it('is ready when every part is', async () => {
    const { app } = await server(() => undefined)
    expect((await app.inject('/readyz')).json()).toEqual({ status: 'ready' })
  })

  it('is not ready while a part is not, and names it; it lives all the same', async () => {
    const { app } = await server(() => 'the disk is full')
    const answer = await app.inject('/readyz')
    expect([answer.statusCode, answer.json().problems]).toEqual([503, { log: 'the disk is full' }])
    expect(answer.headers['retry-after']).toBe('1')
    expect((await app.inject('/livez')).statusCode).toBe(200)
  })

  it('is ready while something goes badly that others need not wait for, and says what', async () => {
    const ready = readiness({ log: () => undefined }, { mail: () => '3 mails wait' })
    const app = Fastify()
    await app.register(healthRoutes, { readiness: ready })
    const answer = await app.inject('/readyz')
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ready', details: { mail: '3 mails wait' } }])
  })

  it('is not ready from the moment it begins to stop', async () => {
    const { app, ready } = await server(() => undefined)
    ready.drain()
    expect((await app.inject('/readyz')).statusCode).toBe(503)
  })
})
