import Fastify from 'fastify'
import { describe, expect, it } from 'vitest'
import { openMetrics } from './metrics.ts'
import { metricsRoutes } from './routes.ts'

describe('the metrics', () => {
  it('count and time every request by route, never by path', async () => {
    const app = Fastify()
    const numbers = openMetrics()
    numbers.observe(app)
    await app.register(metricsRoutes, { metrics: numbers })
    app.get('/people/:id', () => 'ok')
    await app.inject('/people/ada')
    const text = (await app.inject('/metrics')).body
    expect(text).toContain('route="/people/:id"')
    expect(text).not.toContain('ada')
  })

  it('show numbers that a part keeps itself, at the moment they are asked for', async () => {
    let appends = 1
    const numbers = openMetrics()
    numbers.watch([
      { name: 'test_appends_total', help: 'x', kind: 'counter', read: () => appends },
      {
        name: 'test_lag',
        help: 'x',
        kind: 'gauge',
        labelNames: ['view'],
        read: () => [{ labels: { view: 'users' }, value: 7 }],
      },
    ])
    await numbers.expose()
    appends = 5
    const text = await numbers.expose()
    expect(text).toContain('test_appends_total 5')
    expect(text).toContain('test_lag{view="users"} 7')
  })
})
