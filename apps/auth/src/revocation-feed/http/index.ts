/** The revocation feed over HTTP. */
export { openings } from './connection-rate-limit.ts'
export { feedRoutes } from './routes.ts'
