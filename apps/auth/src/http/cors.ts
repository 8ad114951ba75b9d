import cors from '@fastify/cors'
import type { FastifyInstance } from 'fastify'

/** What any origin may read: keys and metadata. */
const PUBLIC = ['/oauth2/jwks', '/.well-known/']

export interface CorsDependencies {
  /** The origins of all `redirect_uris` of the registered clients, now. */
  origins(): ReadonlySet<string>
}

/** Lets pages of registered origins call the endpoints, and every page read the public ones. No cookie crosses over. */
export async function installCors(app: FastifyInstance, { origins }: CorsDependencies): Promise<void> {
  await app.register(cors, {
    delegator: (request, done) => {
      const open = PUBLIC.some((path) => request.url?.startsWith(path))
      done(null, {
        origin: open ? '*' : (origin, allow) => allow(null, origin !== undefined && origins().has(origin)),
        methods: ['GET', 'POST'],
        allowedHeaders: ['authorization', 'content-type', 'dpop', 'prefer'],
        exposedHeaders: ['ledgate-position', 'retry-after', 'www-authenticate'],
        maxAge: 600,
        credentials: false,
      })
    },
  })
}
