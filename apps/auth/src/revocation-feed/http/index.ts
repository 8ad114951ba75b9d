/** The revocation feed over HTTP. */
export { createConnectionRateLimit } from './connection-rate-limit.ts'
export { feedRoutes } from './routes.ts'
