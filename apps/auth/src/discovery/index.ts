/** Authorization server metadata: RFC 8414. */
export { discoveryRoutes } from './routes.ts'
