import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import { MAX_TOKEN_IN_FORM } from '@ledgate/oauth'
import Fastify, { type FastifyBaseLogger, type FastifyInstance, type FastifyPluginAsync, LogController } from 'fastify'
import {
  endIdleConnections,
  endOwedBodies,
  formsOnly,
  installCors,
  installErrorHandler,
  installOpenApi,
  schemaController,
  type TimeLimits,
  timeLimitOptions,
} from './http/index.ts'
import { healthRoutes, type Readiness } from './health/index.ts'
import { type Metrics, metricsRoutes } from './metrics/index.ts'

/** Bytes of a body: the largest token that is looked at, and beside it a private_key_jwt, percent-encoded or not. */
const BODY_LIMIT = MAX_TOKEN_IN_FORM + 32 * 1024

/** Slow senders do not hold a connection for ever. */
const TIME_LIMITS: TimeLimits = { request: 15_000, keepAlive: 72_000 }

export interface ServerDependencies {
  readonly issuer: string
  readonly logger: FastifyBaseLogger
  readonly metrics: Metrics
  readonly readiness: Readiness
  /** The origins of all `redirect_uris`. */
  origins(): ReadonlySet<string>
  /** Endpoints of OAuth: they take forms and nothing else. */
  readonly oauth: readonly FastifyPluginAsync[]
  /** Everything else over HTTP. */
  readonly others: readonly FastifyPluginAsync[]
  /** 15 s for a request and 72 s between two by default. */
  readonly timeLimits?: TimeLimits
}

/** The whole server over its parts; it does not listen yet. */
export async function buildServer(dependencies: ServerDependencies): Promise<FastifyInstance> {
  const { issuer, logger, metrics, readiness, oauth, others, timeLimits = TIME_LIMITS } = dependencies
  const app = Fastify({
    loggerInstance: logger,
    schemaController,
    // The log of events says who got what; the logger says what failed.
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: false, // X-Forwarded-For is read by `http/request-context.ts`
    bodyLimit: BODY_LIMIT,
    ...timeLimitOptions(timeLimits),
    genReqId: () => randomUUID(),
    return503OnClosing: true,
    forceCloseConnections: 'idle',
  })
  installErrorHandler(app)
  endConnectionsWhileDraining(app, readiness)
  endSilentConnections(app)
  endIdleConnections(app, timeLimits)
  endOwedBodies(app, timeLimits)
  metrics.observe(app)
  app.addHook('onRequest', (_request, reply, done) => {
    reply.header('x-content-type-options', 'nosniff')
    done()
  })
  await installOpenApi(app, issuer)
  await installCors(app, dependencies)
  await app.register(healthRoutes, { readiness })
  await app.register(metricsRoutes, { metrics })
  await app.register(async (scope) => {
    formsOnly(scope)
    for (const routes of oauth) await scope.register(routes)
  })
  for (const routes of others) await app.register(routes)
  return app
}

/** While the server stops, each answer is the last of its connection: kept open, an idle one would hold up the end. */
function endConnectionsWhileDraining(app: FastifyInstance, readiness: Readiness): void {
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (readiness.isDraining) reply.header('connection', 'close')
    done(null, payload)
  })
}

/**
 * Node does not take a connection for idle on which nothing was ever sent: a client that opened one in advance would hold up
 * the end until its time for a request is over.
 */
function endSilentConnections(app: FastifyInstance): void {
  const connections = new Set<Socket>()
  app.server.on('connection', (connection) => {
    connections.add(connection)
    connection.once('close', () => connections.delete(connection))
  })
  app.addHook('preClose', (done) => {
    for (const connection of connections) if (connection.bytesRead === 0) connection.destroy()
    done()
  })
}
