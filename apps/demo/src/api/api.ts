import { guard, type Verifier } from '@ledgate/verifier'
import { fastifyAuth, principalOf } from '@ledgate/verifier/fastify'
import Fastify, { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { orderStreams } from './order-streams.ts'
import { orders as inMemoryOrders, type Orders } from './orders.ts'

const NewOrder = z.strictObject({ item: z.string().min(1).max(200), quantity: z.int().min(1).max(1_000) })

/**
 * An orders API as a company has them: reading and writing by scope, cancelling for managers, a report for those who are
 * entitled to it, and a stream that ends the moment its token does. Nothing of it asks the authorization server.
 */
export function ordersApi(verifier: Verifier, orders: Orders = inMemoryOrders()): FastifyInstance {
  // Who takes nothing, or has sent half a request, would otherwise hold up the end.
  const app = Fastify({ bodyLimit: 16 * 1024, forceCloseConnections: true })
  const auth = fastifyAuth(verifier)
  const streams = orderStreams(orders)
  const mayRead = { onRequest: auth.require(guard.scopes('orders:read')) }
  const mayWrite = { onRequest: auth.require(guard.scopes('orders:write')) }
  const mayCancel = { onRequest: auth.require(guard.all(guard.scopes('orders:write'), guard.role('manager'))) }
  const mayReport = {
    onRequest: auth.require(guard.all(guard.scopes('orders:read'), guard.entitlement('orders:report'))),
  }

  app.get('/orders', mayRead, async () => ({ orders: orders.all() }))

  app.post('/orders', mayWrite, async (request, reply) => {
    const order = NewOrder.safeParse(request.body)
    if (!order.success) return reply.code(400).send({ error: 'an order has an item and a quantity' })
    return reply.code(201).send(orders.place({ ...order.data, orderedBy: principalOf(request).sub }))
  })

  app.delete<{ Params: { id: string } }>('/orders/:id', mayCancel, async (request, reply) => {
    const cancelled = orders.cancel(request.params.id)
    return cancelled ? reply.code(204).send() : reply.code(404).send({ error: 'there is no such order' })
  })

  app.get('/orders/report', mayReport, async () => {
    const all = orders.all()
    return { orders: all.length, items: all.reduce((sum, { quantity }) => sum + quantity, 0) }
  })

  // Not for HEAD, which would wait for the end of what has none.
  app.get('/orders/stream', { ...mayRead, exposeHeadRoute: false }, (request, reply) => {
    reply.hijack()
    streams.open(reply.raw, verifier.watch(principalOf(request)))
  })
  app.addHook('preClose', () => streams.end())

  app.get('/healthz', async (_request, reply) => {
    const health = verifier.health()
    return reply.code(health.isReady ? 200 : 503).send(health)
  })

  return app
}
