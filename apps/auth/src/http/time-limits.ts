import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'

/** How long a client may take, in milliseconds. */
export interface TimeLimits {
  /** From the first byte of a request to its last one, however they are spread. */
  readonly request: number
  /** From an answer to the first byte of the next request on its connection. */
  readonly keepAlive: number
}

/** Milliseconds between two looks at who is over the limit; less where the limit is short. */
const CHECK_EVERY_MS = 1_000

const checkEvery = ({ request }: TimeLimits): number => Math.min(CHECK_EVERY_MS, Math.ceil(request / 10))

/**
 * The options of Fastify by which a request that is not whole in time ends with 408. Node looks at the limits of headers
 * and of whole requests every 30 seconds by default, and takes the smaller one for the headers whichever was meant: with
 * `requestTimeout` alone a body had the 60 seconds that are Node's default for headers, and up to 30 more.
 */
export const timeLimitOptions = (limits: TimeLimits) => ({
  requestTimeout: limits.request,
  keepAliveTimeout: limits.keepAlive,
  http: {
    requestTimeout: limits.request,
    headersTimeout: limits.request,
    connectionsCheckingInterval: checkEvery(limits),
  },
})

/**
 * Ends connections on which no request is under way and none was whole in time. Node's own limits begin with the first
 * byte of a request, and empty lines before it (RFC 9112 §2.2) begin none and stop the clock of keep-alive.
 */
export function endIdleConnections(app: FastifyInstance, limits: TimeLimits): void {
  const server = app.server as Server
  const idleSince = new Map<Socket, number>()
  const most = limits.keepAlive + limits.request

  server.on('connection', (connection) => {
    idleSince.set(connection, performance.now())
    connection.once('close', () => idleSince.delete(connection))
  })
  server.prependListener('request', ({ socket }, response) => {
    idleSince.delete(socket)
    response.once('close', () => void (socket.destroyed || idleSince.set(socket, performance.now())))
  })
  const check = setInterval(() => {
    const now = performance.now()
    for (const [connection, since] of idleSince) if (now - since > most) connection.destroy()
  }, checkEvery(limits)).unref()
  app.addHook('preClose', (done) => {
    clearInterval(check)
    done()
  })
}

/**
 * While a server closes, Node looks at no limit any more: a body that never comes would hold up the end, for ever when its
 * request was not answered. Who was answered without their body is cut off at once, the others when their time is over.
 */
export function endOwedBodies(app: FastifyInstance, limits: TimeLimits): void {
  const latest = new Map<Socket, readonly [IncomingMessage, ServerResponse]>()
  const server = app.server as Server

  server.on('connection', (connection) => connection.once('close', () => latest.delete(connection)))
  server.prependListener('request', (request, response) => latest.set(request.socket, [request, response]))
  function cutOff(isTimeOver: boolean) {
    for (const [connection, [request, response]] of latest)
      if (!request.complete && (isTimeOver || response.writableEnded)) connection.destroy()
  }
  app.addHook('preClose', (done) => {
    cutOff(false)
    setTimeout(cutOff, limits.request, true).unref()
    done()
  })
}
