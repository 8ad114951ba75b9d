import type { FastifyPluginAsync } from 'fastify'
import type { Metrics } from './metrics.ts'

/** `/metrics` in the text format of Prometheus. */
export const metricsRoutes: FastifyPluginAsync<{ metrics: Metrics }> = async (app, { metrics }) => {
  app.get('/metrics', { schema: { tags: ['operations'], summary: 'Prometheus metrics' } }, async (_request, reply) =>
    reply
      .header('cache-control', 'no-store')
      .type(metrics.contentType)
      .send(await metrics.expose()),
  )
}
