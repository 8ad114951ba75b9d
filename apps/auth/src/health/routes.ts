import type { FastifyPluginAsync } from 'fastify'
import type { Readiness } from './readiness.ts'

/** `/livez`: the process answers. `/readyz`: it can take requests; 503 names the parts that cannot. */
export const healthRoutes: FastifyPluginAsync<{ readiness: Readiness }> = async (app, { readiness }) => {
  app.get('/livez', { schema: { tags: ['operations'], summary: 'Liveness: the process answers' } }, (_request, reply) =>
    reply.header('cache-control', 'no-store').send({ status: 'live' }),
  )

  app.get(
    '/readyz',
    { schema: { tags: ['operations'], summary: 'Readiness: the server can take requests' } },
    (_request, reply) => {
      const problems = readiness.problems()
      const ready = Object.keys(problems).length === 0
      const noted = readiness.details()
      const details = Object.keys(noted).length === 0 ? {} : { details: noted }
      return reply
        .code(ready ? 200 : 503)
        .headers({ 'cache-control': 'no-store', ...(!ready && { 'retry-after': '1' }) })
        .send(ready ? { status: 'ready', ...details } : { status: 'not ready', problems, ...details })
    },
  )
}
